// One order: its lines, what has happened to it, and what an admin may do with it.

import { api, call } from "../lib/api.js";
import { useAction, useLoad } from "../lib/loading.js";
import { html } from "../lib/preact.js";
import { useStore } from "../lib/store.js";
import { Alert, Badge, Button, Loading, Money, Time, ask, notify } from "../lib/ui.js";
import { Flow } from "./flow.js";
import { OrderStatus } from "./orders.js";
import { Head, Table } from "./parts.js";
import { features, href } from "./place.js";

/** @typedef {import("../lib/types.js").Order} Order */
/** @typedef {import("../lib/types.js").Schemas} Schemas */
/** @typedef {"ship" | "deliver" | "cancel"} Step */

/** @type {Record<Step, {from: Order["status"][], yes: string, text: string, done: string}>} */
const STEPS = {
  ship: { from: ["confirmed"], yes: "Ship", text: "The customer is told that the order is on its way.", done: "Shipped." },
  deliver: { from: ["shipped"], yes: "Deliver", text: "The customer is told that the order has arrived.", done: "Delivered." },
  cancel: { from: ["pending", "confirmed"], yes: "Cancel the order", text: "Its stock and its money are given back. This cannot be undone.", done: "Cancelled." },
};

/** @param {string} text "payment_declined" → "payment declined" */
const words = (text) => text.replace(/^order\./, "").replaceAll("_", " ");

/** @type {import("../lib/router.js").Page} */
export function OrderPage({ params }) {
  const path = { id: params.id ?? "" };
  const local = useStore(features);
  const all = useLoad(async () => {
    const [order, events, refunds, returns] = await Promise.all([
      call(api.GET("/api/v1/orders/{id}", { params: { path } })),
      call(api.GET("/api/v1/orders/{id}/events", { params: { path, query: { limit: 100 } } })),
      call(api.GET("/api/v1/orders/{id}/refunds", { params: { path, query: { limit: 100 } } })),
      call(api.GET("/api/v1/orders/{id}/returns", { params: { path, query: { limit: 100 } } })),
    ]);
    return { order, events: events.events, refunds: refunds.refunds, returns: returns.returns };
  }, [path.id], { every: 4000 });
  const change = useAction(async (/** @type {Step} */ step) => {
    const { yes, text, done } = STEPS[step];
    if (!(await ask({ title: `${yes}?`, text, yes }))) return;
    try {
      await call(api.POST(`/api/v1/orders/{id}/${step}`, { params: { path } }));
      notify(done);
    } finally {
      await all.reload();
    }
  });
  if (!all.data) {
    return html`<${Head} title="Order" /><${Alert} problem=${all.problem} retry=${all.reload} />
      ${!all.problem && html`<${Loading} />`}`;
  }
  const { order, events, refunds, returns } = all.data;
  const steps = /** @type {[Step, typeof STEPS[Step]][]} */ (Object.entries(STEPS));
  return html`
    <${Head} title="Order ${order.id.slice(0, 8)}">
      ${steps.filter(([, { from }]) => from.includes(order.status)).map(([step, { yes }]) => html`
        <${Button} key=${step} kind=${step === "cancel" ? "danger" : "main"} isBusy=${change.isBusy}
          onClick=${() => change.run(step)}>${yes}<//>`)}
    <//>
    <${Alert} problem=${change.problem ?? all.problem} />
    <dl class="facts card">
      <div><dt>Status</dt><dd><span role="status"><${OrderStatus} order=${order} />
        ${order.cancel_reason && html` ${words(order.cancel_reason)}`}</span></dd></div>
      <div><dt>Customer</dt><dd>
        <a href=${href(`/orders?user_id=${encodeURIComponent(order.user_id)}`)}>${order.user_name}</a></dd></div>
      <div><dt>Placed</dt><dd><${Time} at=${order.created_at} /></dd></div>
      <div><dt>Total</dt><dd><${Money} amount=${order.total_amount} currency=${order.currency} /></dd></div>
      ${Number(order.refunded_amount) > 0 && html`<div><dt>Refunded</dt><dd>
        <${Money} amount=${order.refunded_amount} currency=${order.currency} /></dd></div>`}
      <div><dt>Id</dt><dd><code>${order.id}</code></dd></div>
    </dl>
    <div class="columns">
      <section><h2>Lines</h2><${Lines} order=${order} /></section>
      <section><h2>History</h2><ol class="history card">
        ${events.map((event) => html`<li key=${event.version}>
          <strong>${words(event.type)}</strong> ${event.data.cancel_reason && words(event.data.cancel_reason)}
          <small><${Time} at=${event.at} /></small></li>`)}
      </ol></section>
    </div>
    ${[...refunds, ...returns].length > 0 && html`<section><h2>Refunds and returns</h2>
      <ul class="card bare">
        ${refunds.map((one) => html`<li key=${one.id}>Refund of <${Money} ...${one} />
          <${Badge} kind=${one.status === "succeeded" ? "good" : "busy"}>${one.status}<//> ${one.reason}</li>`)}
        ${returns.map((one) => html`<li key=${one.id}>Return <${Badge} kind="plain">${one.status}<//> ${one.reason}</li>`)}
      </ul></section>`}
    ${local.includes("timeline") && html`<${Flow} id=${order.id} />`}`;
}

/** @typedef {Schemas["OrderItemResponse"]} Line */

/** @param {{order: Order}} props */
function Lines({ order }) {
  /** @type {import("./parts.js").Columns<Line>} */
  const columns = [
    ["Product", (line) => html`<a href=${href(`/products?q=${line.product_id}`)}>${line.name}</a>`],
    ["Units", (line) => line.quantity, "number"],
    ["Each", (line) => html`<${Money} amount=${line.unit_price} currency=${order.currency} />`, "number"],
    ["Together", (line) => html`<${Money} amount=${line.line_total} currency=${order.currency} />`, "number"],
  ];
  return html`<${Table} label="Lines" columns=${columns} rows=${order.items}
    keyOf=${(/** @type {Line} */ line) => line.product_id} />`;
}
