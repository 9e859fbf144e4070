// What a shop on this machine has beside the API: its mail, faults, and an order's way.

import { Problem } from "../lib/problems.js";

/**
 * @param {string} path below /_local/
 * @param {string} [method]
 * @param {object} [body]
 * @throws {Problem}
 */
export async function local(path, method = "GET", body = {}) {
  const sent = method === "GET" ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`/_local/${path}`, { method, ...sent }).catch(() => null);
  if (!response) throw new Problem(0);
  const answer = await response.json();
  if (response.ok) return answer;
  throw new Problem(response.status, answer);
}
