// The catalogue: search, filters, sorting, endless paging.

import { api, call } from "../lib/api.js";
import { useLoad, usePages } from "../lib/loading.js";
import { html, useEffect } from "../lib/preact.js";
import { useStore } from "../lib/store.js";
import { Button, Draft, Empty, Money, More, notify } from "../lib/ui.js";
import { add, cart, quantityOf } from "./cart.js";
import { Tile } from "./drawings.js";
import { filtered, go, href, Title } from "./place.js";

/** @typedef {import("../lib/types.js").Product} Product */

const SORTS = { newest: "Newest first", price: "Lowest price", "-price": "Highest price", name: "Name" };
const FEW = 10;

/** @param {string} text */
export const titled = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {string | null} text @returns {string | undefined} a price as the API takes it */
const priceOf = (text) => (/^\d{1,10}([.,]\d{1,2})?$/.test(text ?? "") ? text?.replace(",", ".") : undefined);

/** @param {URLSearchParams} query @param {string | undefined} cursor */
async function search(query, cursor) {
  const { products, next_cursor } = await call(api.GET("/api/v1/products", {
    params: {
      query: {
        q: query.get("q") ?? undefined,
        category: query.get("category") ?? undefined,
        min_price: priceOf(query.get("min_price")),
        max_price: priceOf(query.get("max_price")),
        sort: /** @type {keyof typeof SORTS | null} */ (query.get("sort")) ?? undefined,
        limit: 24,
        cursor,
      },
    },
  }));
  return { rows: products, next: next_cursor };
}

/** @param {{stock: number}} props */
export function Stock({ stock }) {
  if (stock === 0) return html`<span class="stock out">Sold out</span>`;
  if (stock <= FEW) return html`<span class="stock few">Only ${stock} left</span>`;
  return html`<span class="stock">In stock</span>`;
}

/** @param {Product} product @param {number} [quantity] */
export function addToCart(product, quantity = 1) {
  const isIn = add(product, quantity);
  notify(isIn ? `${product.name} is in the cart.` : "The cart is full: order what is in it first.");
}

/** @param {{product: Product}} props */
function Card({ product }) {
  const { id, name, category, price, currency, stock } = product;
  return html`
    <li class="product">
      <${Tile} category=${category} id=${id} />
      <div class="product-text">
        <h2><a href=${href(`/products/${id}`)}>${name}</a></h2>
        <p class="faint">${titled(category)}</p>
        <p class="price"><${Money} amount=${price} currency=${currency} /> <${Stock} stock=${stock} /></p>
      </div>
      <${Button} label="${stock ? "Add to cart" : "Sold out"}: ${name}" disabled=${quantityOf(id) >= stock}
        onClick=${() => addToCart(product)}>${stock ? "Add to cart" : "Sold out"}<//>
    </li>`;
}

/** @param {{query: URLSearchParams}} props */
function Filters({ query }) {
  const { data } = useLoad(() => call(api.GET("/api/v1/products/categories")), []);
  const known = (data?.categories ?? []).map(({ name }) => name);
  const chosen = query.get("category") ?? "";
  const shown = chosen && !known.includes(chosen) ? [...known, chosen] : known;
  const change = (/** @type {Event} */ event) => {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    go(filtered("/", query, { [name]: value.trim() }), { replace: true });
  };
  const price = (/** @type {string} */ name, /** @type {string} */ label) => {
    const value = query.get(name) ?? "";
    return html`
      <label>${label}
        <${Draft} value=${value} inputmode="decimal" size="6" autocomplete="off" placeholder="0.00"
          aria-invalid=${value && !priceOf(value) ? "true" : null}
          onCommit=${(/** @type {string} */ text) => go(filtered("/", query, { [name]: text.trim() }), { replace: true })} />
      </label>`;
  };
  return html`
    <div class="filters">
      <nav aria-label="Categories">
        <ul class="pills">
          ${["", ...shown].map((category) => html`
            <li key=${category}>
              <a href=${href(filtered("/", query, { category }))} aria-current=${category === chosen ? "true" : null}>
                ${category ? titled(category) : "Everything"}
              </a>
            </li>`)}
        </ul>
      </nav>
      <div class="narrow" role="group" aria-label="Price and order">
        ${price("min_price", "From")} ${price("max_price", "To")}
        <label>Sort
          <select name="sort" onChange=${change}>
            ${Object.entries(SORTS).map(([value, text]) => html`
              <option key=${value} value=${value} selected=${value === (query.get("sort") ?? "newest")}>${text}</option>`)}
          </select>
        </label>
      </div>
    </div>`;
}

/** @param {{query: URLSearchParams}} props */
export function Catalogue({ query }) {
  useStore(cart);
  const words = query.get("q") ?? "";
  const pages = usePages((cursor) => search(query, cursor), [String(query)], { isKept: true });
  const title = words ? `Results for “${words}”` : titled(query.get("category") ?? "Good things, close by");
  useEffect(() => {
    performance.mark("catalogue");
  }, [pages.rows]);
  return html`
    <${Title} title=${title} />
    <${Filters} query=${query} />
    <p class="unseen" role="status">
      ${pages.isLoading ? "" : `${pages.rows.length} products are shown${pages.hasMore ? ", and there are more." : "."}`}
    </p>
    <ul class="products" aria-busy=${pages.isLoading ? "true" : null}>
      ${pages.rows.map((product) => html`<${Card} key=${product.id} product=${product} />`)}
    </ul>
    ${pages.isEmpty && html`<${Empty}>Nothing is like that. <a href=${href("/")}>See everything</a>.<//>`}
    <${More} pages=${pages} />`;
}
