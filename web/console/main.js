// The console: who may see it, and where its pages are.

import { useAction, useLoad } from "../lib/loading.js";
import { html, render, useEffect } from "../lib/preact.js";
import { Heading } from "../lib/router.js";
import * as session from "../lib/session.js";
import { useStore } from "../lib/store.js";
import { Alert, Button, Empty, Field, Form, Loading, Notices, Questions } from "../lib/ui.js";
import { FaultsPage } from "./faults.js";
import { MailPage } from "./mail.js";
import { OrderPage } from "./order.js";
import { OrdersPage } from "./orders.js";
import { OverviewPage } from "./overview.js";
import { Head, Icon } from "./parts.js";
import { Router, features, findFeatures, href, place } from "./place.js";
import { ProductsPage } from "./products.js";
import { QueuesPage } from "./queues.js";
import { UsersPage } from "./users.js";

/** @type {[path: string, text: string, icon: string][]} */
const PARTS = [
  ["/", "Overview", "overview"],
  ["/orders", "Orders", "orders"],
  ["/products", "Products", "products"],
  ["/users", "Users", "users"],
  ["/queues", "Queues", "queues"],
  ["/mail", "Mail", "mail"],
  ["/faults", "Faults", "faults"],
];
const ROUTES = {
  "/": OverviewPage,
  "/orders": OrdersPage,
  "/orders/:id": OrderPage,
  "/products": ProductsPage,
  "/users": UsersPage,
  "/queues": QueuesPage,
  "/mail": MailPage,
  "/faults": FaultsPage,
};

function Missing() {
  return html`<${Head} title="Not found" /><${Empty}>There is no such page.<//>`;
}

function App() {
  const user = useStore(session.user);
  const start = useLoad(session.resume, []);
  const isAdmin = user?.role === "admin";
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header>
      <a class="brand" href=${href("/")}><img src="/console/icon.svg" alt="" width="28" height="28" />Bodega <span>console</span></a>
      ${isAdmin && html`<${Navigation} />`}
      ${user && html`<${Account} user=${user} />`}
    </header>
    <main id="main">
      ${isAdmin ? html`<${Router} routes=${ROUTES} missing=${Missing} />`
        : user ? html`<${Refused} user=${user} />`
        : user === null ? html`<${LogIn} />`
        : start.problem ? html`<${Alert} problem=${start.problem} retry=${start.reload} />`
        : html`<${Loading} />`}
    </main>
    <${Notices} />
    <${Questions} />`;
}

function Navigation() {
  const { path } = useStore(place);
  const local = useStore(features);
  // On a narrow screen the parts scroll.
  useEffect(() => document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest" }), [path, local]);
  return html`
    <nav aria-label="Console">
      ${PARTS.filter(([, , name]) => !(name in LOCAL) || local.includes(name)).map(([to, text, icon]) => {
        const isHere = to === "/" ? path === "/" : `${path}/`.startsWith(`${to}/`);
        return html`
          <a key=${to} href=${href(to)} aria-current=${isHere ? "page" : null}><${Icon} name=${icon} />${text}</a>`;
      })}
    </nav>`;
}
const LOCAL = { mail: 1, faults: 1 };

/** @param {{user: session.User}} props */
function Account({ user }) {
  const leave = useAction(session.logOut);
  return html`
    <div class="account">
      <span>${user.full_name}</span>
      <${Button} kind="quiet" label="Log out" isBusy=${leave.isBusy} onClick=${leave.run}><${Icon} name="leave" /><//>
      <${Alert} problem=${leave.problem} />
    </div>`;
}

/** @param {{user: session.User}} props */
function Refused({ user }) {
  const leave = useAction(session.logOut);
  return html`
    <div class="card alone">
      <${Heading} title="For admins only" shop="Bodega console" />
      <p>You are logged in as ${user.full_name}, who is no admin of this shop.</p>
      <div class="actions">
        <a class="button main" href="/shop/">Go to the shop</a>
        <${Button} isBusy=${leave.isBusy} onClick=${leave.run}>Log in as somebody else<//>
      </div>
    </div>`;
}

function LogIn() {
  const logIn = useAction(({ email = "", password = "" }) => session.logIn(email, password));
  return html`
    <div class="card alone">
      <${Heading} title="Log in" shop="Bodega console" />
      <p class="faint">The console is for the shop's admins.</p>
      <${Form} onSend=${logIn.run}>
        <${Alert} problem=${logIn.problem} />
        <${Field} label="E-mail" name="email" type="email" autocomplete="username" required />
        <${Field} label="Password" name="password" type="password" autocomplete="current-password" required />
        <${Button} type="submit" kind="main" isBusy=${logIn.isBusy}>Log in<//>
      <//>
    </div>`;
}

findFeatures();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
