// The storefront: its frame and its pages.

import { html, render, useEffect, useRef } from "../lib/preact.js";
import { resume, trouble, user } from "../lib/session.js";
import { createStore, useStore } from "../lib/store.js";
import { Notices, Questions } from "../lib/ui.js";
import { Account, Notifications, useUnread } from "./account.js";
import { cart } from "./cart.js";
import { Catalogue } from "./catalogue.js";
import { CartPage, Checkout } from "./checkout.js";
import { Icon } from "./drawings.js";
import { Orders, OrderPage } from "./orders.js";
import { Confirm, Forgot, LogIn, Register, Reset, UndoEmail } from "./people.js";
import { filtered, go, href, place, Router, Title } from "./place.js";
import { ProductPage } from "./product.js";

const ROUTES = {
  "/": Catalogue,
  "/products/:id": ProductPage,
  "/cart": CartPage,
  "/checkout": Checkout,
  "/orders": Orders,
  "/orders/:id": OrderPage,
  "/notifications": Notifications,
  "/account": Account,
  "/login": LogIn,
  "/register": Register,
  "/forgot": Forgot,
  "/confirm": Confirm,
  "/reset": Reset,
  "/undo-email": UndoEmail,
};

function Missing() {
  return html`
    <${Title} title="There is no such page" />
    <p>The link is wrong, or what it led to is gone. <a href=${href("/")}>To the shop</a></p>`;
}

function Search() {
  const { path, query } = useStore(place);
  const words = path === "/" ? (query.get("q") ?? "") : "";
  const timer = useRef(0);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  // Links and Back change the words too, but not while somebody types.
  useEffect(() => {
    if (input.current && document.activeElement !== input.current) input.current.value = words;
  }, [words]);
  const search = (/** @type {string} */ text, /** @type {boolean} */ isSent) => {
    clearTimeout(timer.current);
    const now = place.get();
    const isHere = now.path === "/";
    if (isHere || isSent) go(filtered("/", isHere ? now.query : new URLSearchParams(), { q: text.trim() }), { replace: isHere });
  };
  const type = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => search(value, false), 250);
  };
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    search(String(new FormData(form).get("q")), true);
  };
  return html`
    <form class="search" role="search" onSubmit=${send}>
      <input ref=${input} name="q" type="search" aria-label="Search for products" placeholder="Search" maxlength="200"
        defaultValue=${words} autocomplete="off" onInput=${type} />
      <button class="quiet" aria-label="Search"><${Icon} name="search" /></button>
    </form>`;
}

/** @param {{to: string, icon: string, children: any, count?: string | number}} props */
function Entry({ to, icon, count, children }) {
  const { path } = useStore(place);
  return html`
    <a href=${href(to)} aria-current=${path === to ? "page" : null}>
      <${Icon} name=${icon} /><span class="entry-text">${children}</span>
      ${count ? html`<span class="count">${count}</span>` : null}
    </a>`;
}

function Header() {
  const who = useStore(user);
  const unread = useUnread();
  const units = useStore(cart).reduce((sum, { quantity }) => sum + quantity, 0);
  return html`
    <header class="top">
      <a class="skip" href="#main">Skip to the content</a>
      <div class="bar">
        <a class="brand" href=${href("/")}>Bodega</a>
        <${Search} />
        <nav aria-label="Shop" class="entries">
          ${who && html`<${Entry} to="/orders" icon="orders">Orders<//>`}
          ${who && html`<${Entry} to="/notifications" icon="bell" count=${unread}>Notifications<//>`}
          ${who ? html`<${Entry} to="/account" icon="person">Account<//>`
            : html`<${Entry} to="/login" icon="person">Log in<//>`}
          <${Entry} to="/cart" icon="cart" count=${units}>Cart<//>
        </nav>
      </div>
    </header>`;
}

const isOnline = createStore(navigator.onLine);
for (const event of ["online", "offline"]) addEventListener(event, () => isOnline.set(navigator.onLine));

function Shop() {
  const online = useStore(isOnline);
  return html`
    <${Header} />
    <div role="status">
      ${!online && html`<p class="offline">You are offline. The shop goes on by itself when the connection is back.</p>`}
    </div>
    <main id="main" tabindex="-1"><${Router} routes=${ROUTES} missing=${Missing} /></main>
    <footer>
      <p>Made with Bodega. <a href="/docs">API</a></p>
    </footer>
    <${Notices} /><${Questions} />`;
}

async function start() {
  try {
    await resume();
    trouble.set(undefined);
  } catch (error) {
    const problem = /** @type {import("../lib/problems.js").Problem} */ (error);
    trouble.set(problem);
    setTimeout(start, Math.max(3, problem.retryAfter) * 1000);
  }
}

start();
render(html`<${Shop} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
