// The cart: kept in this browser, for all its tabs. Amounts are exact: integers in minor units.

import { createKeptStore } from "../lib/store.js";

/** @typedef {import("../lib/types.js").Product} Product */
/**
 * @typedef {Pick<Product, "id" | "name" | "category" | "price" | "currency"> & {quantity: number}} Line
 * A line with the name and the price that the customer has seen last.
 */

// What the API takes of one product, and of lines.
export const MOST = 1000;
export const MOST_LINES = 50;

/** @param {any} line */
const isLine = (line) => Boolean(line) && Number.isInteger(line.quantity) && line.quantity > 0 && line.quantity <= MOST
  && ["id", "name", "category", "currency", "price"].every((member) => typeof line[member] === "string")
  && /^[A-Z]{3}$/.test(line.currency) && /^\d+\.\d\d$/.test(line.price);

export const cart = createKeptStore("bodega.cart", /** @type {Line[]} */ ([]),
  (kept) => Array.isArray(kept) && kept.length <= MOST_LINES && kept.every(isLine));

/** @param {number} quantity what a person types: it may be a fraction */
const whole = (quantity) => Math.min(Math.floor(quantity), MOST);

/** @param {Product} product @param {number} quantity @returns {Line} */
const lineOf = ({ id, name, category, price, currency }, quantity) => ({
  id, name, category, price, currency, quantity: whole(quantity),
});

/** @param {string} id */
export const quantityOf = (id) => cart.get().find((line) => line.id === id)?.quantity ?? 0;

/** @param {Product} product @param {number} quantity @returns {boolean} whether there was room for it */
export function add(product, quantity) {
  const line = lineOf(product, quantityOf(product.id) + quantity);
  const others = cart.get().filter(({ id }) => id !== product.id);
  if (others.length >= MOST_LINES) return false;
  cart.set([...others, line]);
  return true;
}

/** @param {string} id @param {number} quantity none removes the line */
export function setQuantity(id, quantity) {
  const lines = cart.get().map((line) => (line.id === id ? { ...line, quantity: whole(quantity) } : line));
  cart.set(lines.filter((line) => line.quantity > 0));
}

/** The customer has seen these products' present names and prices. @param {Product[]} products */
export function markSeen(products) {
  const now = new Map(products.map((product) => [product.id, product]));
  cart.set(cart.get().map((line) => {
    const product = now.get(line.id);
    return product ? lineOf(product, line.quantity) : line;
  }));
}

/** @param {{price: string, quantity: number}[]} lines @returns {string} */
export function totalOf(lines) {
  const minor = lines.reduce((sum, { price, quantity }) => sum + BigInt(price.replace(".", "")) * BigInt(quantity), 0n);
  return `${minor / 100n}.${String(minor % 100n).padStart(2, "0")}`;
}
