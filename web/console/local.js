// What a shop on this machine has beside the API: its mail, faults, and an order's way.

import { ask } from "../lib/session.js";

/**
 * @param {string} path below /_local/
 * @param {string} [method]
 * @param {object} [body]
 * @throws {Problem}
 */
export function local(path, method = "GET", body = {}) {
  const sent = method === "GET" ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return ask(`/_local/${path}`, { method, ...sent });
}
