// People with an account: their roles, and whether they may log in.

import { api, call } from "../lib/api.js";
import { usePages } from "../lib/loading.js";
import { html, useState } from "../lib/preact.js";
import { Badge, Button, Empty, Field, More, Time, ask as confirm, notify } from "../lib/ui.js";
import { Choice, FormDialog, Head, Table } from "./parts.js";
import { ask, href } from "./place.js";

/** @typedef {import("../lib/types.js").User} User */
/** @typedef {import("../lib/problems.js").Problem} Problem */
/** @typedef {{role?: User["role"], is_active?: boolean}} Change */

/** @type {import("../lib/router.js").Page} */
export function UsersPage({ query }) {
  const isActive = query.get("active") !== "false";
  const [asked, setAsked] = useState(/** @type {{user: User, title: string, change: Change} | null} */ (null));
  const pages = usePages(async (cursor) => {
    const page = await call(api.GET("/api/v1/users", { params: { query: { active: isActive, cursor, limit: 50 } } }));
    return { rows: page.users, next: page.next_cursor };
  }, [isActive]);
  const sendReset = async (/** @type {User} */ { email }) => {
    const text = "They get an e-mail with a link to set a new password by.";
    if (!(await confirm({ title: `Send ${email} a reset?`, text, yes: "Send" }))) return;
    try {
      await call(api.POST("/api/v1/auth/forgot", { body: { email } }));
      notify("The e-mail is on its way.");
    } catch (problem) {
      notify(/** @type {Problem} */ (problem).message);
    }
  };
  const change = async (/** @type {Record<string, string>} */ { password }) => {
    if (!asked) return;
    const body = { ...asked.change, current_password: password };
    await call(api.PUT("/api/v1/users/{id}", { params: { path: { id: asked.user.id } }, body }));
    notify(`${asked.user.full_name} is changed.`);
    pages.again();
  };
  const roleOf = (/** @type {User} */ user) => user.role === "admin"
    ? { user, title: `Make customer: ${user.full_name}`, change: { role: /** @type {const} */ ("customer") } }
    : { user, title: `Make admin: ${user.full_name}`, change: { role: /** @type {const} */ ("admin") } };
  const activityOf = (/** @type {User} */ user) => ({
    user, title: `${user.is_active ? "Deactivate" : "Activate"} ${user.full_name}`, change: { is_active: !user.is_active },
  });
  /** @type {import("./parts.js").Columns<User>} */
  const columns = [
    ["Name", (user) => html`<a href=${href(`/orders?user_id=${encodeURIComponent(user.id)}`)}>${user.full_name}</a>`],
    ["E-mail", (user) => html`<span>${user.email} ${!user.email_confirmed && html`<${Badge} kind="busy">not confirmed<//>`}</span>`],
    ["Role", (user) => html`<${Badge} kind=${user.role === "admin" ? "todo" : "plain"}>${user.role}<//>`],
    ["Since", (user) => html`<${Time} at=${user.created_at} />`],
    ["", (user) => html`<div class="actions">
      <${Button} label=${roleOf(user).title} onClick=${() => setAsked(roleOf(user))}>Make ${user.role === "admin" ? "customer" : "admin"}<//>
      <${Button} label="Reset the password of ${user.full_name}" onClick=${() => sendReset(user)}>Reset<//>
      <${Button} kind="danger" label=${activityOf(user).title} onClick=${() => setAsked(activityOf(user))}>
        ${user.is_active ? "Deactivate" : "Activate"}<//></div>`],
  ];
  return html`
    <${Head} title="Users" />
    <div class="filters"><${Choice} label="Accounts" options=${{ true: "Active", false: "Inactive" }} value=${String(isActive)}
      onChoose=${(/** @type {string} */ value) => ask(query, { active: value === "true" ? "" : value })} /></div>
    ${pages.rows.length > 0 && html`<${Table} label="Users" columns=${columns} rows=${pages.rows}
      keyOf=${(/** @type {User} */ { id }) => id} />`}
    ${pages.isEmpty && html`<${Empty}>No users here.<//>`}
    <${More} pages=${pages} />
    ${asked && html`
      <${FormDialog} title=${asked.title} yes="Do it" onSend=${change} onClose=${() => setAsked(null)}>
        ${(/** @type {Problem | undefined} */ problem) => html`
          <p>Confirm with your own password.</p>
          <${Field} label="Your password" name="password" type="password" autocomplete="current-password" required
            problem=${problem?.code === "forbidden" ? "This may not be your password." : ""} />`}
      <//>`}`;
}
