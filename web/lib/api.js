// The API, typed by its own document: `await call(api.GET("/api/v1/orders/{id}", …))`.

import { Problem } from "./problems.js";
import * as session from "./session.js";
import createClient from "./vendor/openapi-fetch.mjs";

/** @typedef {import("../../.cache/clients/typescript/api.js").paths} Paths */

/** @param {Request} request */
async function send(request) {
  // Another user may log in while this one waits.
  const id = session.user.get()?.id;
  /** @type {unknown} */
  let trouble;
  // What anyone may read comes without a token too.
  const token = await session.token(id).catch((problem) => ((trouble = problem), ""));
  const again = token ? request.clone() : null;
  const response = await carry(request, token);
  if (response.status === 401 && trouble) throw trouble;
  if (response.status !== 401 || !again) return response;
  // The token has ended before its time: a new password, or a log-out elsewhere.
  const next = await session.token(id, token);
  if (next && next !== token) return carry(again, next);
  session.ended();
  return response;
}

/** @param {Request} request @param {string} token */
async function carry(request, token) {
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request, { signal: AbortSignal.timeout(session.PATIENCE) });
  } catch {
    throw new Problem(0);
  }
}

/** @type {import("openapi-fetch").Client<Paths>} */
export const api = createClient({ baseUrl: location.origin, fetch: send });

/**
 * The body of an answer.
 *
 * @template T
 * @param {Promise<{data?: T, error?: unknown, response: Response}>} request
 * @returns {Promise<T>}
 * @throws {Problem}
 */
export async function call(request) {
  const { data, error, response } = await request;
  const isWhole = response.status === 202 || response.status === 204 || Boolean(data);
  if (response.ok && isWhole) return /** @type {T} */ (data);
  throw new Problem(response.ok ? 502 : response.status, error, Number(response.headers.get("Retry-After")) || 1);
}
