// The cart, and the checkout: one order for one content of the cart, whatever happens on the way.

import { api, call } from "../lib/api.js";
import { useAction, useLoad } from "../lib/loading.js";
import { html, useEffect, useRef, useState } from "../lib/preact.js";
import { Problem } from "../lib/problems.js";
import { trouble, user } from "../lib/session.js";
import { createKeptStore, useStore } from "../lib/store.js";
import { Alert, Button, Draft, Empty, Loading, Money, notify } from "../lib/ui.js";
import { cart, markSeen, MOST, setQuantity, totalOf } from "./cart.js";
import { Tile } from "./drawings.js";
import { go, href, logInPath, Title } from "./place.js";

/** @typedef {import("./cart.js").Line} Line */
/** @typedef {import("../lib/types.js").Product} Product */

/** The products of the cart as they are now, by id. @param {Line[]} lines */
async function presentProducts(lines) {
  if (!lines.length) return new Map();
  const ids = lines.map(({ id }) => id).join(",");
  const { products } = await call(api.GET("/api/v1/products", { params: { query: { ids } } }));
  return new Map(products.map((product) => [product.id, product]));
}

/** What has changed since the customer saw a line. @param {Line} line @param {Product | undefined} now */
function change(line, now) {
  if (!now) return "It is no longer sold.";
  if (now.stock === 0) return "It is sold out.";
  if (now.stock < line.quantity) return `Only ${now.stock} left.`;
  if (now.price !== line.price) return html`The price was <${Money} amount=${line.price} currency=${line.currency} />.`;
  return "";
}

/** @param {{line: Line, now?: Product, isKnown: boolean}} props */
function Row({ line, now, isKnown }) {
  const note = isKnown ? change(line, now) : "";
  const price = now?.price ?? line.price;
  const most = Math.min(now?.stock ?? MOST, MOST);
  const take = (/** @type {string} */ text) => {
    if (Number(text) >= 1) setQuantity(line.id, Number(text));
  };
  return html`
    <li class="line">
      <${Tile} category=${line.category} id=${line.id} />
      <div class="line-text">
        <a href=${href(`/products/${line.id}`)}>${line.name}</a>
        <span class="faint"><${Money} amount=${price} currency=${line.currency} /> each</span>
        ${note && html`<span class="wrong" role="status">${note}</span>`}
        ${note && now && now.stock > 0 && now.stock < line.quantity && html`
          <${Button} onClick=${() => setQuantity(line.id, now.stock)}>Take ${now.stock}<//>`}
      </div>
      <${Draft} type="number" min="1" max=${most} value=${String(line.quantity)} aria-label="Quantity of ${line.name}" onCommit=${take} />
      <${Money} amount=${totalOf([{ price, quantity: line.quantity }])} currency=${line.currency} />
      <${Button} kind="quiet" label="Remove ${line.name}" onClick=${() => setQuantity(line.id, 0)}>Remove<//>
    </li>`;
}

/** The cart's lines with present prices; whether they can be ordered. */
function useCart() {
  const lines = useStore(cart);
  const ids = lines.map(({ id }) => id).sort().join(",");
  const { data: now, ...rest } = useLoad(() => presentProducts(lines), [ids]);
  const priced = lines.map((line) => ({ ...line, price: now?.get(line.id)?.price ?? line.price }));
  const canOrder = lines.length > 0 && now !== undefined
    && lines.every(({ id, quantity }) => (now.get(id)?.stock ?? 0) >= quantity);
  return { lines, now, total: totalOf(priced), canOrder, ...rest };
}

export function CartPage() {
  const { lines, now, total, canOrder, problem, reload } = useCart();
  if (!lines.length) {
    return html`<${Title} title="Your cart" /><${Empty}>It is empty. <a href=${href("/")}>Look around</a>.<//>`;
  }
  return html`
    <${Title} title="Your cart" />
    <${Alert} problem=${problem} retry=${reload} />
    <ul class="lines">
      ${lines.map((line) => html`<${Row} key=${line.id} line=${line} now=${now?.get(line.id)} isKnown=${Boolean(now)} />`)}
    </ul>
    <${Sum} total=${total} currency=${lines[0]?.currency ?? "EUR"} />
    <p class="actions end">
      ${canOrder
        ? html`<a class="button main" href=${href("/checkout")} onClick=${() => markSeen([...(now?.values() ?? [])])}>To the checkout</a>`
        : html`<${Button} kind="main" disabled>To the checkout<//>`}
    </p>`;
}

/** Lines for shipping and coupons come between. @param {{total: string, currency: string}} props */
function Sum({ total, currency }) {
  return html`
    <dl class="sum">
      <dt>Total</dt><dd><${Money} amount=${total} currency=${currency} /></dd>
    </dl>`;
}

const CARDS = {
  tok_ok: ["Card that pays", "The order is confirmed within seconds."],
  tok_declined: ["Card that is declined", "The order ends, and its stock comes back."],
  tok_timeout: ["Slow bank", "The charge goes through, its answer is lost; the shop asks again."],
  tok_unavailable: ["Provider that is down", "The order waits, and is cancelled if it stays down."],
  tok_action: ["Bank that asks you", "You would approve the payment; here it is approved after half a minute."],
  tok_action_failed: ["Bank that asks, and refuses", "The approval fails after half a minute."],
};

/**
 * The order that is being placed. It is kept until its answer: a page that is loaded again, a lost
 * connection and a second click send the same key and body, and so get the same order.
 *
 * @typedef {object} Attempt
 * @property {string} key
 * @property {string} user
 * @property {number} at when the customer asked for it
 * @property {{items: {product_id: string, quantity: number}[], payment_token: string, expected_total: string}} body
 */
const attempts = createKeptStore("bodega.orders", /** @type {Attempt[]} */ ([]),
  (kept) => Array.isArray(kept) && kept.every((one) => /^[!-~]{1,255}$/.test(one?.key) && typeof one.user === "string"
    && typeof one.at === "number" && Array.isArray(one.body?.items)));
/** @param {string} [id] each user of this browser has one of their own */
const attemptOf = (id) => attempts.get().find((one) => one.user === id);
/** @param {string} id @param {Attempt[]} next */
const replace = (id, ...next) => attempts.set([...attempts.get().filter((one) => one.user !== id), ...next]);
// An order that was asked for longer ago, in milliseconds, is not sent without a new click.
const FRESH = 10 * 60_000;

/** @param {Attempt} sent */
const isFresh = ({ at }) => Math.abs(Date.now() - at) < FRESH;

/** @param {Attempt} sent @returns {Promise<string>} the order's id */
async function place({ key, user: id, body }) {
  try {
    const order = await call(api.POST("/api/v1/orders", {
      params: { header: { "Idempotency-Key": key } },
      body,
    }));
    replace(id);
    const ordered = new Map(body.items.map((item) => [item.product_id, item.quantity]));
    for (const { id, quantity } of cart.get()) setQuantity(id, quantity - (ordered.get(id) ?? 0));
    return order.id;
  } catch (error) {
    // The order may exist, or be made yet, where no answer says that it is refused.
    const isRefused = error instanceof Problem && !error.isTemporary
      && !["request-in-progress", "unauthenticated"].includes(error.code);
    if (isRefused) replace(id);
    throw error;
  }
}

/** @param {{problem?: Problem, clear: () => void}} action @param {Line[]} lines */
function refusal({ problem, clear }, lines) {
  if (!problem) return null;
  const { product_id: id, available, total_amount: total } = problem.document;
  const line = lines.find((one) => one.id === id);
  if (problem.code === "out-of-stock" && line) {
    return html`
      <div class="alert" role="alert">
        <p>${available ? `Only ${available} of ${line.name} are left.` : `${line.name} is sold out meanwhile.`}</p>
        <${Button} onClick=${() => (setQuantity(line.id, available), clear())}>${available ? `Take ${available}` : "Take it out of the cart"}<//>
      </div>`;
  }
  if (problem.code === "price-changed" && lines[0]) {
    return html`
      <div class="alert" role="alert">
        <p>Prices have changed: the order costs <${Money} amount=${total} currency=${lines[0].currency} /> now.</p>
        <a class="button" href=${href("/cart")}>See the cart</a>
      </div>`;
  }
  return html`<${Alert} problem=${problem} />`;
}

/** Nothing of one user is left for the next. */
export const Checkout = () => html`<${CheckoutOf} key=${useStore(user)?.id} />`;

function CheckoutOf() {
  const who = useStore(user);
  const unknown = useStore(trouble);
  useStore(attempts);
  const waiting = attemptOf(who?.id);
  const { lines, now, total, canOrder, problem, reload } = useCart();
  const [card, setCard] = useState("tok_ok");
  const action = useAction(async (/** @type {Attempt} */ wanted) => {
    // Of two tabs that order at the same moment, one does.
    await navigator.locks.request("bodega.order", { ifAvailable: true }, async (lock) => {
      if (!lock || user.get()?.id !== wanted.user) return;
      const sent = attemptOf(wanted.user) ?? wanted;
      replace(wanted.user, sent);
      const id = await place(sent);
      go(`/orders/${id}`, { replace: true });
    });
  });
  // What was being placed when the page was left, or the connection was lost, goes on.
  const resumed = useRef(false);
  useEffect(() => {
    const resume = () => {
      const sent = attemptOf(who?.id);
      if (sent && isFresh(sent)) action.run(sent);
    };
    if (who && waiting && !resumed.current) {
      resumed.current = true;
      resume();
    }
    addEventListener("online", resume);
    return () => removeEventListener("online", resume);
  }, [who]);

  // Without an answer that is final, the same order is sent again by itself.
  const tries = useRef(0);
  useEffect(() => {
    if (!waiting || !action.problem || !isFresh(waiting)) return;
    const timer = setTimeout(() => action.run(waiting), action.problem.pause(tries.current++));
    return () => clearTimeout(timer);
  }, [action.problem, waiting?.key]);

  if (who === undefined) {
    return html`<${Title} title="Checkout" />${unknown ? html`<${Alert} problem=${unknown} />` : html`<${Loading} />`}`;
  }
  if (!who) {
    return html`
      <${Title} title="Checkout" />
      <p>Log in to order. Your cart stays.</p>
      <p class="actions"><a class="button main" href=${logInPath("/checkout")}>Log in</a>
        <a class="button" href=${href("/register?next=/checkout")}>Make an account</a></p>`;
  }
  if (!lines.length && !waiting) {
    return html`<${Title} title="Checkout" /><${Empty}>Your cart is empty. <a href=${href("/")}>Look around</a>.<//>`;
  }
  const currency = lines[0]?.currency ?? "EUR";
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    const items = lines.map(({ id, quantity }) => ({ product_id: id, quantity }));
    const body = { items, payment_token: card, expected_total: total };
    tries.current = 0;
    action.run({ key: crypto.randomUUID(), user: who.id, at: Date.now(), body });
  };
  return html`
    <${Title} title="Checkout" />
    <${Alert} problem=${problem} retry=${reload} />
    ${!who.email_confirmed && html`<${Unconfirmed} />`}
    ${refusal(action, lines)}
    ${waiting && !action.isBusy && html`
      <p role="status">Your order may be on its way. It is sent again as the same order, never as a second one.</p>
      <p class="actions"><${Button} kind="main" onClick=${() => action.run(waiting)}>Send it again<//>
        <a class="button" href=${href("/orders")}>See my orders</a>
        <${Button} kind="quiet" onClick=${() => replace(who.id)}>Forget it<//></p>`}
    ${lines.length > 0 && html`
      <form class="checkout" onSubmit=${send}>
        <section aria-labelledby="what">
          <h2 id="what">What you order</h2>
          <ul class="plain">
            ${lines.map(({ id, name, quantity }) => html`<li key=${id}>${quantity} × ${name}</li>`)}
          </ul>
          <${Sum} total=${total} currency=${currency} />
          <p><a href=${href("/cart")}>Change it</a></p>
        </section>
        <fieldset>
          <legend>How you pay</legend>
          ${Object.entries(CARDS).map(([token, [name, text]]) => html`
            <label class="choice" key=${token}>
              <input type="radio" name="card" value=${token} checked=${card === token} onChange=${() => setCard(token)} />
              <span>${name}<small>${text}</small></span>
            </label>`)}
        </fieldset>
        <p class="actions end">
          <${Button} type="submit" kind="main" isBusy=${action.isBusy} disabled=${!canOrder || (waiting && !action.isBusy)}>
            ${action.isBusy ? "Ordering …" : html`Order and pay <${Money} amount=${total} currency=${currency} />`}
          <//>
        </p>
        ${now && !canOrder && html`<p class="wrong">Something in your cart cannot be ordered. <a href=${href("/cart")}>See the cart</a></p>`}
      </form>`}`;
}

export function Unconfirmed() {
  const who = useStore(user);
  const action = useAction(async () => {
    await call(api.POST("/api/v1/users/{id}/confirmation", { params: { path: { id: who?.id ?? "" } } }));
    notify("The link is on its way.");
  });
  return html`
    <div class="alert" role="note">
      <p>Confirm your e-mail address before you order: the link is in your mail.</p>
      <${Alert} problem=${action.problem} />
      <${Button} isBusy=${action.isBusy} onClick=${() => action.run()}>Send it again<//>
    </div>`;
}
