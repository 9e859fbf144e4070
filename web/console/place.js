// Where the console is, and which of its parts this shop has.

import { createRouter, filtered } from "../lib/router.js";
import { createStore } from "../lib/store.js";

export const { Router, go, href, place } = createRouter("/console");

/** What only a shop on this machine has: "mail", "faults" and "timeline". */
export const features = createStore(/** @type {string[]} */ ([]));

export async function findFeatures() {
  const response = await fetch("/_local/").catch(() => null);
  const found = response?.ok ? await response.json().catch(() => null) : null;
  if (Array.isArray(found?.features)) features.set(found.features);
}

/**
 * Change what the page's URL asks for; an empty value takes its name out.
 *
 * @param {URLSearchParams} query
 * @param {Record<string, string>} changes
 */
export function ask(query, changes) {
  go(filtered(place.get().path, query, changes), { replace: true });
}
