// The shop's paths, and the headings of its pages.

import { html } from "../lib/preact.js";
import { createRouter, Heading } from "../lib/router.js";

export { filtered } from "../lib/router.js";

export const { Router, go, href, place } = createRouter("/shop");

/** @param {{title: string, children?: any}} props */
export const Title = ({ title, children }) => html`<${Heading} title=${title} shop="Bodega">${children}<//>`;

/** The path of the log-in, which comes back to `to`. @param {string} [to] */
export const logInPath = (to = place.get().path + location.search) =>
  href(`/login?next=${encodeURIComponent(to)}`);

/** A path of the shop from a query: never one of another site, and none that asks to log in. @param {string | null} next */
export function safeNext(next) {
  const { origin, pathname, search } = new URL(href(next ?? "/"), location.origin);
  const below = pathname.slice(href("").length);
  const isHere = origin === location.origin && pathname.startsWith(href("/")) && !/^\/(login|register)\b/.test(below);
  return isHere ? below + search : "/";
}
