// Who is logged in. The access token is in this module's memory only; the refresh token is in a
// cookie that no script reads. Tabs share the session.

import { Problem } from "./problems.js";
import { createKeptStore, createStore } from "./store.js";

/** @typedef {import("./types.js").User} User */

const ROUTES = "/api/v1/auth/browser";
// Refreshed so long before it expires, in milliseconds.
const EARLY = 30_000;
/** So long an answer is waited for, in milliseconds: longer than API Gateway waits. */
export const PATIENCE = 40_000;

let accessToken = "";
let expiresAt = 0;

/** The user; null if nobody is logged in, undefined until that is known. */
export const user = createStore(/** @type {User | null | undefined} */ (undefined));
/** Why it is not known. */
export const trouble = createStore(/** @type {Problem | undefined} */ (undefined));
// Whether a cookie may exist: a first visit asks for no tokens.
const mayHaveCookie = createKeptStore("bodega.session", false, (kept) => typeof kept === "boolean");
const otherTabs = new BroadcastChannel("bodega.session");

/**
 * What a path outside of the typed API answers.
 *
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<any>} the body; null without one
 * @throws {Problem}
 */
export async function ask(path, init) {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(PATIENCE) }).catch(() => null);
  if (!response) throw new Problem(0);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  // Something between here and the shop has answered in its place.
  throw new Problem(response.ok ? 502 : response.status, body, Number(response.headers.get("Retry-After")) || 1);
}

/** @param {"login" | "refresh" | "logout"} route @param {object} body */
const post = (route, body) =>
  ask(`${ROUTES}/${route}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** @param {{access_token: string, expires_in: number}} pair */
function keep(pair) {
  accessToken = pair.access_token;
  expiresAt = Date.now() + pair.expires_in * 1000;
}

function forget() {
  accessToken = "";
  expiresAt = 0;
  mayHaveCookie.set(false);
  user.set(null);
}

/** @param {string} jwt @returns {{sub: string, sid?: string}} */
const claimsOf = (jwt) =>
  JSON.parse(atob((jwt.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));

/** The id of this browser's session. */
export const sessionId = () => accessToken && claimsOf(accessToken).sid;

/**
 * A valid access token; empty if nobody is logged in.
 *
 * @param {string} [id] the user who asks
 * @param {string} [refused] a token that the API no longer takes
 * @throws {Problem} the shop cannot be reached, or another user has logged in meanwhile
 */
export async function token(id, refused) {
  const valid = await anyToken(refused);
  if (!valid || !id || claimsOf(valid).sub === id) return valid;
  follow();
  throw new Problem(401, { type: "/problems/unauthenticated" });
}

/** @param {string} [refused] @throws {Problem} */
async function anyToken(refused) {
  const isValid = () => accessToken !== refused && Date.now() < expiresAt - EARLY;
  if (isValid() || !mayHaveCookie.get()) return accessToken;
  // One tab at a time: a refresh token is for one use, and the cookie has the next one then.
  return navigator.locks.request("bodega.session", async () => {
    if (isValid() || !mayHaveCookie.get()) return accessToken;
    try {
      keep(await post("refresh", {}));
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.isTemporary) throw problem;
      forget();
    }
    return accessToken;
  });
}

/** Ask who is logged in, at the start of a page. @throws {Problem} */
export async function resume() {
  const valid = await anyToken();
  if (!valid) return user.set(null);
  try {
    user.set(await ask("/api/v1/users/me", { headers: { Authorization: `Bearer ${valid}` } }));
  } catch (problem) {
    if (/** @type {Problem} */ (problem).status !== 401) throw problem;
    forget();
  }
}

/** @param {string} email @param {string} password @throws {Problem} */
export async function logIn(email, password) {
  await navigator.locks.request("bodega.session", async () => {
    keep(await post("login", { email, password }));
    mayHaveCookie.set(true);
  });
  await resume();
  otherTabs.postMessage("in");
}

/** @throws {Problem} */
export async function logOut() {
  await navigator.locks.request("bodega.session", () => post("logout", {}));
  ended();
}

/** The session is over: here and in the other tabs. */
export function ended() {
  forget();
  otherTabs.postMessage("out");
}

const follow = () => resume().catch(() => setTimeout(follow, 3000));

otherTabs.addEventListener("message", ({ data }) => {
  accessToken = "";
  expiresAt = 0;
  if (data === "out") user.set(null);
  else follow();
});
