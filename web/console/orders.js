// All orders, by their status or their customer.

import { api, call } from "../lib/api.js";
import { usePages } from "../lib/loading.js";
import { html } from "../lib/preact.js";
import { Badge, Button, Empty, Money, More, Time } from "../lib/ui.js";
import { Choice, Head, Id, Table } from "./parts.js";
import { ask, href } from "./place.js";

/** @typedef {import("../lib/types.js").Order} Order */

const STATUSES = {
  "": "All", pending: "Pending", confirmed: "To ship", shipped: "Shipped", delivered: "Delivered",
  cancelled: "Cancelled",
};
/** @type {Record<Order["status"], string>} */
const KINDS = { pending: "busy", confirmed: "todo", shipped: "good", delivered: "good", cancelled: "plain" };

/** @param {{order: {status: Order["status"]}}} props */
export function OrderStatus({ order }) {
  return html`<${Badge} kind=${KINDS[order.status]}>${order.status}<//>`;
}

/** @type {import("./parts.js").Columns<Order>} */
const COLUMNS = [
  ["Order", ({ id }) => html`<a href=${href(`/orders/${id}`)}><${Id} id=${id} /></a>`],
  ["Status", (order) => html`<${OrderStatus} order=${order} />`],
  ["Placed", (order) => html`<${Time} at=${order.created_at} />`],
  ["Customer", (order) => html`
    <a href=${href(`/orders?user_id=${encodeURIComponent(order.user_id)}`)}>${order.user_name}</a>`],
  ["Units", (order) => order.items.reduce((sum, item) => sum + item.quantity, 0), "number"],
  ["Total", (order) => html`<${Money} amount=${order.total_amount} currency=${order.currency} />`, "number"],
];

/** @type {import("../lib/router.js").Page} */
export function OrdersPage({ query }) {
  const status = /** @type {Order["status"] | null} */ (query.get("status")) || undefined;
  const userId = query.get("user_id") || undefined;
  const pages = usePages(async (cursor) => {
    const asked = { status, user_id: userId, cursor, limit: 50 };
    const page = await call(api.GET("/api/v1/orders", { params: { query: asked } }));
    return { rows: page.orders, next: page.next_cursor };
  }, [status, userId]);
  return html`
    <${Head} title="Orders"><${Button} onClick=${pages.again}>Refresh<//><//>
    <div class="filters">
      <${Choice} label="Status" options=${STATUSES} value=${status ?? ""}
        onChoose=${(/** @type {string} */ value) => ask(query, { status: value })} />
      ${userId && html`
        <span>Only of customer <${Id} id=${userId} />
          <${Button} kind="quiet" onClick=${() => ask(query, { user_id: "" })}>All customers<//></span>`}
    </div>
    ${pages.rows.length > 0 && html`
      <${Table} label="Orders" columns=${COLUMNS} rows=${pages.rows}
        keyOf=${(/** @type {Order} */ order) => order.id} />`}
    ${pages.isEmpty && html`<${Empty}>No orders here.<//>`}
    <${More} pages=${pages} />`;
}
