// The customer's account and notifications.

import { api, call } from "../lib/api.js";
import { useAction, useLoad, usePages } from "../lib/loading.js";
import { html, useEffect } from "../lib/preact.js";
import { ended, logOut, sessionId, user } from "../lib/session.js";
import { createStore, useStore } from "../lib/store.js";
import { Alert, ask, Badge, Button, Empty, Field, Form, Loading, More, notify, Time } from "../lib/ui.js";
import { Unconfirmed } from "./checkout.js";
import { Private } from "./orders.js";
import { EmailField, PasswordField } from "./people.js";
import { go, href, Title } from "./place.js";

/** @typedef {import("../lib/types.js").User} User */
/** @typedef {import("../lib/types.js").Schemas["AccountChangeRequest"]} Change */

/** How many notifications are unread: "20+" where there are more than a page. */
export const unread = createStore("");

export async function countUnread() {
  if (!user.get()) return unread.set("");
  const { count, next_cursor } = await call(api.GET("/api/v1/notifications", { params: { query: { unread: true } } }));
  unread.set(count ? `${count}${next_cursor ? "+" : ""}` : "");
}

export const Notifications = () => html`<${Private} title="Notifications"><${List} /><//>`;

function List() {
  const pages = usePages(async (cursor) => {
    const { notifications, next_cursor } = await call(api.GET("/api/v1/notifications", { params: { query: { cursor } } }));
    return { rows: notifications, next: next_cursor };
  }, []);
  const read = useAction(async (/** @type {string} */ id) => {
    const now = await call(api.POST("/api/v1/notifications/{id}/read", { params: { path: { id } } }));
    pages.edit((rows) => rows.map((row) => (row.id === id ? now : row)));
    await countUnread();
  });
  return html`
    <${Title} title="Notifications" />
    <${Alert} problem=${read.problem} />
    <ul class="rows">
      ${pages.rows.map((one) => html`
        <li key=${one.id} class="notice ${one.read_at ? "" : "unread"}">
          <h2>${one.subject} ${!one.read_at && html`<${Badge} kind="busy">new<//>`}</h2>
          <p class="faint"><${Time} at=${one.created_at} /></p>
          <p class="text">${one.body}</p>
          <p class="actions">
            ${one.order_id && html`<a href=${href(`/orders/${one.order_id}`)}>See the order</a>`}
            ${!one.read_at && html`<${Button} kind="quiet" label="Mark as read: ${one.subject}" onClick=${() => read.run(one.id)}>Mark as read<//>`}
          </p>
        </li>`)}
    </ul>
    ${pages.isEmpty && html`<${Empty}>Nothing yet.<//>`}
    <${More} pages=${pages} />`;
}

export function Account() {
  const who = useStore(user);
  return html`<${Private} title="Your account">${who && html`<${Mine} who=${who} />`}<//>`;
}

/**
 * A form that changes the account; fields that are empty stay.
 *
 * @param {{who: User, label: string, children: (problem: any) => any, done: string, onDone?: () => void}} props
 */
function ChangeForm({ who, label, children, done, onDone }) {
  const action = useAction(async (/** @type {Record<string, string>} */ values) => {
    const body = /** @type {Change} */ (Object.fromEntries(Object.entries(values).filter(([, value]) => value)));
    user.set(await call(api.PUT("/api/v1/users/{id}", { params: { path: { id: who.id } }, body })));
    notify(done);
    onDone?.();
  });
  return html`
    <section class="card">
      <h2>${label}</h2>
      <${Alert} problem=${action.problem} />
      <${Form} label=${label} onSend=${action.run}>
        ${children(action.problem)}
        <${Button} type="submit" isBusy=${action.isBusy}>Save<//>
      <//>
    </section>`;
}

/** @param {{who: User}} props */
function Mine({ who }) {
  const out = useAction(async () => {
    await logOut();
    go("/");
  });
  return html`
    <${Title} title="Your account" />
    <p>${who.full_name}, ${who.email} ${who.email_confirmed && html`<${Badge} kind="good">confirmed<//>`}</p>
    ${!who.email_confirmed && html`<${Unconfirmed} />`}
    <${Alert} problem=${out.problem} />
    <p class="actions">
      <${Button} isBusy=${out.isBusy} onClick=${() => out.run()}>Log out<//>
      ${who.role === "admin" && html`<a class="button" href="/console/">Console</a>`}
    </p>
    <div class="cards">
      <${ChangeForm} who=${who} label="Name" done="Your name is changed.">
        ${(/** @type {any} */ problem) => html`
          <${Field} label="Your name" name="full_name" required maxlength="100" autocomplete="name"
            defaultValue=${who.full_name} problem=${problem?.of("full_name")} />`}
      <//>
      <${ChangeForm} who=${who} label="E-mail address" done="Confirm the new address: the link is in its mail.">
        ${(/** @type {any} */ problem) => html`
          <${EmailField} problem=${problem} />
          <${PasswordField} problem=${problem} label="Your password" name="current_password" />`}
      <//>
      <${ChangeForm} who=${who} label="Password" done="The password is changed. Log in with it." onDone=${ended}>
        ${(/** @type {any} */ problem) => html`
          <${PasswordField} problem=${problem} label="Your password now" name="current_password" />
          <${PasswordField} problem=${problem} label="New password" isNew />`}
      <//>
    </div>
    <${Sessions} />
    <${Erasure} who=${who} />`;
}

function Sessions() {
  const { data, problem, reload } = useLoad(() => call(api.GET("/api/v1/users/me/sessions")), []);
  const end = useAction(async (/** @type {string} */ id) => {
    await call(api.DELETE("/api/v1/users/me/sessions/{session_id}", { params: { path: { session_id: id } } }));
    notify("The session is ended.");
    await reload();
  });
  const everywhere = useAction(async () => {
    const what = { title: "Log out everywhere?", text: "All your sessions end, this one too.", yes: "Log out everywhere" };
    if (!await ask(what)) return;
    await call(api.POST("/api/v1/auth/logout-everywhere"));
    ended();
  });
  return html`
    <h2>Where you are logged in</h2>
    <${Alert} problem=${problem ?? end.problem ?? everywhere.problem} retry=${reload} />
    ${!data && !problem && html`<${Loading} />`}
    <ul class="rows">
      ${data?.sessions.map((session) => html`
        <li key=${session.id} class="row">
          <span>${session.client || "Unknown client"} ${session.id === sessionId() && html`<${Badge} kind="good">this browser<//>`}</span>
          <span class="faint">last used <${Time} at=${session.last_used_at} /></span>
          ${session.id !== sessionId() && html`
            <${Button} kind="quiet" label="End the session of ${session.client}" onClick=${() => end.run(session.id)}>End<//>`}
        </li>`)}
    </ul>
    <${Button} isBusy=${everywhere.isBusy} onClick=${() => everywhere.run()}>Log out everywhere<//>`;
}

/** @param {{who: User}} props */
function Erasure({ who }) {
  const action = useAction(async ({ current_password = "" }) => {
    const what = { title: "Erase your account?", text: "Your name and address are overwritten everywhere, for ever. Orders stay, without them.", yes: "Erase it" };
    if (!await ask(what)) return;
    const params = { path: { id: who.id }, query: { erase: true } };
    await call(api.DELETE("/api/v1/users/{id}", { params, body: { current_password } }));
    ended();
    notify("Your account is erased.");
    go("/");
  });
  return html`
    <section class="card">
      <h2>Erase the account</h2>
      <${Alert} problem=${action.problem} />
      <${Form} label="Erase the account" onSend=${action.run}>
        <${PasswordField} problem=${action.problem} label="Your password" name="current_password" />
        <${Button} type="submit" kind="danger" isBusy=${action.isBusy}>Erase my account<//>
      <//>
    </section>`;
}

/** Asks for the number of unread notifications now and then. */
export function useUnread() {
  const who = useStore(user);
  useEffect(() => {
    const count = () => document.hidden || countUnread().catch(() => {});
    count();
    const timer = setInterval(count, 30_000);
    return () => clearInterval(timer);
  }, [who?.id]);
  return useStore(unread);
}
