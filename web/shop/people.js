// Log in, register, and the pages that links of e-mails lead to.

import { api, call } from "../lib/api.js";
import { useAction } from "../lib/loading.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { logIn, resume, user } from "../lib/session.js";
import { useStore } from "../lib/store.js";
import { Alert, Button, Field, Form, notify } from "../lib/ui.js";
import { go, href, safeNext, Title } from "./place.js";

/** @typedef {import("../lib/problems.js").Problem} Problem */
/** @typedef {import("../lib/router.js").Page} Page */

/** @param {{problem?: Problem, label?: string, name?: string, isNew?: boolean}} props */
export function PasswordField({ problem, label = "Password", isNew = false, name = "password" }) {
  return html`
    <${Field} label=${label} name=${name} type="password" required autocomplete=${isNew ? "new-password" : "current-password"}
      minlength=${isNew ? 12 : null} maxlength="128" problem=${problem?.of(name)}
      hint=${isNew ? "At least 12 characters; a sentence is good." : ""} />`;
}

/** @param {{problem?: Problem, value?: string}} props */
export function EmailField({ problem, value = "" }) {
  return html`
    <${Field} label="E-mail address" name="email" type="email" required autocomplete="username" maxlength="254"
      defaultValue=${value} problem=${problem?.of("email")} />`;
}

/** @type {Page} */
export function LogIn({ query }) {
  const who = useStore(user);
  const next = safeNext(query.get("next"));
  const action = useAction(({ email, password }) => logIn(String(email), String(password)));
  useEffect(() => {
    if (who) go(next, { replace: true });
  }, [who]);
  return html`
    <div class="narrow-page">
      <${Title} title="Log in" />
      <${Alert} problem=${action.problem} />
      <${Form} onSend=${action.run}>
        <${EmailField} />
        <${PasswordField} />
        <div class="actions">
          <${Button} type="submit" kind="main" isBusy=${action.isBusy}>Log in<//>
          <a href=${href("/forgot")}>Forgotten the password?</a>
        </div>
      <//>
      <p>New here? <a href=${href(`/register?next=${encodeURIComponent(next)}`)}>Make an account</a></p>
    </div>`;
}

/** @type {Page} */
export function Register({ query }) {
  const next = safeNext(query.get("next"));
  const action = useAction(async ({ email, full_name, password }) => {
    const body = { email: String(email), full_name: String(full_name), password: String(password) };
    await call(api.POST("/api/v1/users", { body }));
    try {
      await logIn(body.email, body.password);
    } catch {
      notify("Your account is ready: log in.");
      return go(`/login?next=${encodeURIComponent(next)}`, { replace: true });
    }
    notify("Your account is ready. A link to confirm your address is in your mail.");
    go(next, { replace: true });
  });
  return html`
    <div class="narrow-page">
      <${Title} title="Make an account" />
      <${Alert} problem=${action.problem} />
      <${Form} onSend=${action.run}>
        <${Field} label="Your name" name="full_name" required autocomplete="name" maxlength="100"
          problem=${action.problem?.of("full_name")} />
        <${EmailField} problem=${action.problem} />
        <${PasswordField} problem=${action.problem} isNew />
        <${Button} type="submit" kind="main" isBusy=${action.isBusy}>Make the account<//>
      <//>
      <p>You have one? <a href=${href(`/login?next=${encodeURIComponent(next)}`)}>Log in</a></p>
    </div>`;
}

export function Forgot() {
  const [to, setTo] = useState("");
  const action = useAction(async ({ email }) => {
    await call(api.POST("/api/v1/auth/forgot", { body: { email: String(email) } }));
    setTo(String(email));
  });
  return html`
    <div class="narrow-page">
      <${Title} title="Forgotten password" />
      <${Alert} problem=${action.problem} />
      ${to
        ? html`<p role="status">If ${to} has an account, a link to choose a new password is in its mail now.</p>`
        : html`
          <${Form} onSend=${action.run}>
            <${EmailField} problem=${action.problem} />
            <${Button} type="submit" kind="main" isBusy=${action.isBusy}>Send me a link<//>
          <//>`}
    </div>`;
}

/** The token of a link, which leaves the address: nothing else may see it. @param {URLSearchParams} query */
function useToken(query) {
  const [token] = useState(query.get("token") ?? "");
  useEffect(() => {
    if (location.search) history.replaceState(null, "", location.pathname);
  }, []);
  return token;
}

/**
 * A page that an e-mail links to. It changes nothing by itself: programs open links before people do.
 *
 * @param {{title: string, text: string, button: string, children?: any, done: any,
 *   send: (values: Record<string, string>) => Promise<unknown>}} props
 */
function LinkPage({ title, text, button, children, done, send }) {
  const [isDone, setDone] = useState(false);
  const action = useAction(async (/** @type {Record<string, string>} */ values) => {
    await send(values);
    setDone(true);
  });
  return html`
    <div class="narrow-page">
      <${Title} title=${title} />
      <${Alert} problem=${action.problem} />
      ${isDone
        ? html`<div role="status">${done}</div>`
        : html`
          <p>${text}</p>
          <${Form} onSend=${action.run}>
            ${children?.(action.problem)}
            <${Button} type="submit" kind="main" isBusy=${action.isBusy}>${button}<//>
          <//>`}
    </div>`;
}

/** @param {string} token */
async function confirm(token) {
  await call(api.POST("/api/v1/auth/confirm", { body: { token } }));
  // The link may be another account's.
  if (user.get()) await resume();
}

/** @type {Page} */
export function Confirm({ query }) {
  const token = useToken(query);
  return html`
    <${LinkPage} title=${"Confirm your e\u2011mail address"} text="One click, and you can order." button="Confirm"
      send=${() => confirm(token)}
      done=${html`<p>It is confirmed. <a href=${href("/")}>To the shop</a></p>`} />`;
}

/** @type {Page} */
export function UndoEmail({ query }) {
  const token = useToken(query);
  return html`
    <${LinkPage} title=${"Keep your old e\u2011mail address"}
      text="Your account was moved to another address, with your password. If it was not you, undo it." button="Undo the change"
      send=${() => confirm(token)}
      done=${html`<p>The change is undone. <a href=${href("/forgot")}>Choose a new password now</a>.</p>`} />`;
}

/** @type {Page} */
export function Reset({ query }) {
  const token = useToken(query);
  return html`
    <${LinkPage} title="Choose a new password" text="It ends all sessions of your account." button="Set the password"
      send=${({ password = "" }) => call(api.POST("/api/v1/auth/reset", { body: { token, password } }))}
      done=${html`<p>The password is set. <a href=${href("/login")}>Log in</a></p>`}>
      ${(/** @type {Problem | undefined} */ problem) => html`<${PasswordField} problem=${problem} label="New password" isNew />`}
    <//>`;
}
