// The customer's orders, and one order's progress as it happens.

import { api, call } from "../lib/api.js";
import { useAction, useLoad, usePages } from "../lib/loading.js";
import { html, useEffect, useRef } from "../lib/preact.js";
import { trouble, user } from "../lib/session.js";
import { useStore } from "../lib/store.js";
import { Alert, ask, Badge, Button, Empty, Loading, Money, More, notify, Time } from "../lib/ui.js";
import { Icon } from "./drawings.js";
import { filtered, go, href, logInPath, Title } from "./place.js";

/** @typedef {import("../lib/types.js").Order} Order */

export const STATUSES = { pending: "In progress", confirmed: "Confirmed", shipped: "On its way", delivered: "Delivered", cancelled: "Cancelled" };
const KINDS = { pending: "busy", confirmed: "good", shipped: "good", delivered: "good", cancelled: "bad" };
/** @type {Record<string, string>} */
const REASONS = {
  customer_request: "You have cancelled it. What was paid is on its way back.",
  admin_request: "The shop has cancelled it. What was paid is on its way back.",
  payment_declined: "Your payment was declined: nothing was charged, and the stock is back in the shop.",
  payment_unavailable: "The payment provider did not answer: nothing was charged.",
  payment_expired: "The payment was not approved in time: nothing was charged.",
  payment_abandoned: "The payment was not approved in time: nothing was charged.",
  too_many_unpaid: "Too many of your orders wait for a payment.",
  inventory_unavailable: "The warehouse did not answer. What was paid is on its way back.",
  reservation_expired: "It was sold out meanwhile. What was paid is on its way back.",
};
/** @type {Record<string, string>} */
const EVENTS = {
  "order.placed": "Placed; its units are reserved for you",
  "order.confirmed": "Paid and confirmed",
  "order.cancelled": "Cancelled",
  "order.shipped": "Handed to the carrier",
  "order.delivered": "Delivered",
  "order.refunded": "Money given back",
  "user.erased": "Personal data erased",
};

/** @param {{children: any, title: string}} props what only a customer who is logged in sees */
export function Private({ children, title }) {
  const who = useStore(user);
  const problem = useStore(trouble);
  const wasIn = useRef(false);
  wasIn.current ||= Boolean(who);
  if (who) return children;
  return html`
    <${Title} title=${title} />
    ${who === undefined ? (problem ? html`<${Alert} problem=${problem} />` : html`<${Loading} />`)
      : html`<p role="status">${wasIn.current ? "Your session has ended. Your cart stays." : "Log in to see this."}</p><p><a class="button main" href=${logInPath()}>Log in</a></p>`}`;
}

/** @param {{status: keyof typeof STATUSES}} props */
export const Status = ({ status }) => html`<${Badge} kind=${KINDS[status]}>${STATUSES[status]}<//>`;

/** @type {import("../lib/router.js").Page} */
export const Orders = ({ query }) => html`<${Private} title="Your orders"><${List} query=${query} /><//>`;

/** @param {{query: URLSearchParams}} props */
function List({ query }) {
  const status = /** @type {keyof typeof STATUSES | undefined} */ (query.get("status") ?? undefined);
  const pages = usePages(async (cursor) => {
    const params = { query: { status, cursor } };
    const { orders, next_cursor } = await call(api.GET("/api/v1/orders", { params }));
    return { rows: orders, next: next_cursor };
  }, [status]);
  const choose = (/** @type {Event} */ event) =>
    go(filtered("/orders", query, { status: /** @type {HTMLSelectElement} */ (event.target).value }), { replace: true });
  return html`
    <${Title} title="Your orders" />
    <label class="narrow">Show
      <select onChange=${choose}>
        <option value="" selected=${!status}>all</option>
        ${Object.entries(STATUSES).map(([value, text]) => html`<option key=${value} value=${value} selected=${value === status}>${text}</option>`)}
      </select>
    </label>
    <ul class="rows">
      ${pages.rows.map((order) => html`
        <li key=${order.id} class="row">
          <a href=${href(`/orders/${order.id}`)}>${order.items.map(({ quantity, name }) => `${quantity} × ${name}`).join(", ")}</a>
          <${Status} status=${order.status} />
          <${Time} at=${order.created_at} />
          <${Money} amount=${order.total_amount} currency=${order.currency} />
        </li>`)}
    </ul>
    ${pages.isEmpty && html`<${Empty}>No orders. <a href=${href("/")}>To the shop</a><//>`}
    <${More} pages=${pages} />`;
}

/** How far an order is. @param {{order: Order}} props */
function Progress({ order: { status, cancel_reason: reason } }) {
  if (status === "cancelled") {
    return html`<p class="outcome bad"><${Icon} name="cross" /> ${REASONS[reason ?? ""] ?? "It is cancelled."}</p>`;
  }
  const steps = ["Placed", "Paid and confirmed", "On its way", "Delivered"];
  const done = { pending: 1, confirmed: 2, shipped: 3, delivered: 4 }[status];
  return html`
    <ol class="steps">
      ${steps.map((step, i) => html`
        <li key=${step} class=${i < done ? "done" : i === done && status === "pending" ? "now" : ""}>
          <${Icon} name=${i < done ? "check" : "wait"} />${step}<span class="unseen">${i < done ? " (done)" : ""}</span>
        </li>`)}
    </ol>`;
}

/** @type {import("../lib/router.js").Page} */
export const OrderPage = ({ params: { id = "" } }) => html`<${Private} title="Your order"><${One} id=${id} /><//>`;

/** @param {string} id */
async function loadOrder(id) {
  const params = { path: { id } };
  const [order, { events }, { refunds }, { returns }] = await Promise.all([
    call(api.GET("/api/v1/orders/{id}", { params })),
    call(api.GET("/api/v1/orders/{id}/events", { params })),
    call(api.GET("/api/v1/orders/{id}/refunds", { params })),
    call(api.GET("/api/v1/orders/{id}/returns", { params })),
  ]);
  return { order, events, refunds, returns };
}

/** @param {{id: string}} props */
function One({ id }) {
  const { data, problem, reload } = useLoad(() => loadOrder(id), [id]);
  const order = data?.order;
  const tries = useRef(0);
  // While it is in progress: soon at first, less often later.
  useEffect(() => {
    if (order?.status !== "pending" && !problem?.isTemporary) return;
    const age = order ? Date.now() - Date.parse(order.created_at) : 0;
    tries.current = problem ? tries.current + 1 : 0;
    const pause = problem ? problem.pause(tries.current) : Math.max(1000, Math.min(age / 10, 10_000));
    const timer = setTimeout(reload, pause);
    return () => clearTimeout(timer);
  }, [data, problem]);
  const cancel = useAction(async () => {
    const what = { title: "Cancel this order?", text: "Its stock comes back to the shop, and your money to you.", yes: "Cancel the order" };
    if (!await ask(what)) return;
    try {
      await call(api.POST("/api/v1/orders/{id}/cancel", { params: { path: { id } } }));
      notify("The order is cancelled.");
    } finally {
      await reload();
    }
  });
  if (!order) {
    return html`<${Title} title="Your order" /><${Alert} problem=${problem} retry=${reload} />${!problem && html`<${Loading} />`}`;
  }
  const { events, refunds, returns } = data;
  return html`
    <${Title} title="Your order" />
    <p class="faint">Placed <${Time} at=${order.created_at} />, number ${order.id}</p>
    <div role="status" class="state"><p><${Status} status=${order.status} /></p><${Progress} order=${order} /></div>
    ${order.payment && html`
      <p class="outcome busy"><${Icon} name="wait" /> Your bank asks for your approval. It has half an hour.</p>`}
    <${Alert} problem=${problem?.isTemporary ? undefined : problem} />
    <${Alert} problem=${cancel.problem} />
    <h2>What you ordered</h2>
    <ul class="rows">
      ${order.items.map((line) => html`
        <li key=${line.product_id} class="row">
          <a href=${href(`/products/${line.product_id}`)}>${line.quantity} × ${line.name}</a>
          <span class="faint"><${Money} amount=${line.unit_price} currency=${order.currency} /> each</span>
          <${Money} amount=${line.line_total} currency=${order.currency} />
        </li>`)}
    </ul>
    <dl class="sum"><dt>Total</dt><dd><${Money} amount=${order.total_amount} currency=${order.currency} /></dd>
      ${refunds.map((refund) => html`<dt key=${refund.id}>Given back (${refund.status})</dt><dd><${Money} amount=${refund.amount} currency=${order.currency} /></dd>`)}</dl>
    ${returns.length > 0 && html`<h2>Returns</h2><ul>${returns.map((one) => html`<li key=${one.id}>${one.status}: ${one.reason}</li>`)}</ul>`}
    ${["pending", "confirmed"].includes(order.status) && html`
      <p><${Button} kind="danger" isBusy=${cancel.isBusy} onClick=${() => cancel.run()}>Cancel the order<//></p>`}
    <h2>What has happened</h2>
    <ol class="history">
      ${events.map((event) => html`<li key=${event.version}><${Time} at=${event.at} /> ${EVENTS[event.type] ?? event.type}</li>`)}
    </ol>`;
}
