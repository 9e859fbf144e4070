// A product's page.

import { api, call } from "../lib/api.js";
import { useLoad } from "../lib/loading.js";
import { html, useState } from "../lib/preact.js";
import { useStore } from "../lib/store.js";
import { Alert, Button, Loading, Money } from "../lib/ui.js";
import { cart, MOST, quantityOf } from "./cart.js";
import { addToCart, Stock, titled } from "./catalogue.js";
import { Tile } from "./drawings.js";
import { href, Title } from "./place.js";

/** @type {import("../lib/router.js").Page} */
export function ProductPage({ params: { id = "" } }) {
  useStore(cart);
  const [quantity, setQuantity] = useState(1);
  const { data: product, problem, reload } = useLoad(
    () => call(api.GET("/api/v1/products/{id}", { params: { path: { id } } })), [id],
  );
  if (!product) {
    return html`
      <${Title} title=${problem?.code === "product-not-found" ? "No such product" : "Product"} />
      <${Alert} problem=${problem} retry=${reload} />
      ${problem ? html`<p><a href=${href("/")}>To the shop</a></p>` : html`<${Loading} />`}`;
  }
  const left = Math.min(product.stock, MOST) - quantityOf(id);
  return html`
    <article class="detail">
      <${Tile} category=${product.category} id=${id} />
      <div>
        <p class="faint"><a href=${href(`/?category=${encodeURIComponent(product.category)}`)}>${titled(product.category)}</a></p>
        <${Title} title=${product.name} />
        <p class="price-big"><${Money} amount=${product.price} currency=${product.currency} /></p>
        <p>${product.is_active ? html`<${Stock} stock=${product.stock} />` : "This product is no longer sold."}</p>
        ${product.is_active && left > 0 && html`
          <div class="actions">
            <label class="amount">Quantity
              <input type="number" min="1" step="1" max=${left} value=${quantity}
                onInput=${(/** @type {Event} */ event) => setQuantity(/** @type {HTMLInputElement} */ (event.target).valueAsNumber)} />
            </label>
            <${Button} kind="main" disabled=${!(Number.isInteger(quantity) && quantity >= 1 && quantity <= left)}
              onClick=${() => addToCart(product, quantity)}>Add to cart<//>
          </div>`}
        ${product.stock > 0 && left <= 0 && html`<p>All that is left is in <a href=${href("/cart")}>your cart</a>.</p>`}
        ${product.description.split(/\n+/).map((text, i) => html`<p key=${i}>${text}</p>`)}
      </div>
    </article>`;
}
