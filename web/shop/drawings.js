// Icons, and the drawings of products until products have images.

import { html } from "../lib/preact.js";

/** @type {Record<string, string[]>} */
const ICONS = {
  search: ["M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z", "m15.5 15.5 5 5"],
  cart: ["M3 4h2.5l2.2 11h9.8l2.2-8H6.4", "M9 20h.01M16.5 20h.01"],
  bell: ["M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15Z", "M10 21h4"],
  orders: ["M5 3h14v18l-3.5-2-3.5 2-3.5-2L5 21Z", "M9 8h6M9 12h6"],
  person: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M4.5 21c.8-4 3.8-6 7.5-6s6.7 2 7.5 6"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  cross: ["M6 6l12 12M18 6 6 18"],
  wait: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z", "M12 8v4.5l3 1.5"],
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      ${ICONS[name]?.map((path) => html`<path key=${path} d=${path} />`)}
    </svg>`;
}

/** What stands for the products of a category. @type {Record<string, string[]>} */
const DRAWINGS = {
  coffee: [
    "M22 38h44v22a18 18 0 0 1-18 18h-8a18 18 0 0 1-18-18Z",
    "M66 43h6a9 9 0 0 1 0 18h-7",
    "M16 84h56",
    "M36 30c-4-5 4-8 0-14M50 30c-4-5 4-8 0-14",
  ],
  kitchen: ["M26 46h44l8 36H18Z", "M34 46c0-20 28-20 28 0", "M48 31v-6", "M74 58l12-12 4 3", "M22 64h52"],
  books: ["M48 28c-9-7-22-7-32-4v52c10-3 23-3 32 4 9-7 22-7 32-4V24c-10-3-23-3-32 4Z", "M48 28v52", "M25 38c5-1 10 0 14 2M25 50c5-1 10 0 14 2"],
  "": ["M18 36 48 22l30 14v34L48 84 18 70Z", "M18 36l30 14 30-14M48 50v34", "M33 29l30 14"],
};

/** @param {{category: string, id: string}} props */
export function Tile({ category, id }) {
  // An admin may name a category "constructor".
  const paths = DRAWINGS[Object.hasOwn(DRAWINGS, category) ? category : ""] ?? [];
  // Products of a category differ a little.
  const tint = Number.parseInt(id.slice(0, 4), 16) % 5 || 0;
  return html`
    <div class="tile tint-${tint}" aria-hidden="true">
      <svg viewBox="0 0 96 96">${paths.map((path) => html`<path key=${path} d=${path} />`)}</svg>
    </div>`;
}
