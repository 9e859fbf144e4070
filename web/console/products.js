// Products and their stock: add, change, restock, withdraw, and what runs low.

import { api, call } from "../lib/api.js";
import { useLoad, usePages } from "../lib/loading.js";
import { html, useId, useRef, useState } from "../lib/preact.js";
import { Alert, Badge, Button, Draft, Empty, Field, Money, More, ask as confirm, notify } from "../lib/ui.js";
import { Choice, FormDialog, Head, Table } from "./parts.js";
import { ask } from "./place.js";

/** @typedef {import("../lib/types.js").Product} Product */
/** @typedef {import("../lib/problems.js").Problem} Problem */

// The API has no list of what runs low: the page reads all products and leaves the others out.
const LOW = 10;

/** @param {string} id @throws {Problem} */
async function find(id) {
  try {
    return [await call(api.GET("/api/v1/products/{id}", { params: { path: { id } }, cache: "no-store" }))];
  } catch (problem) {
    if (/** @type {Problem} */ (problem).status === 404) return [];
    throw problem;
  }
}

/** @type {import("../lib/router.js").Page} */
export function ProductsPage({ query }) {
  const q = query.get("q") || undefined;
  const isLow = query.get("stock") === "low";
  const [open, setOpen] = useState(/** @type {{what: "add" | "change" | "restock", product?: Product} | null} */ (null));
  const pages = usePages(async (cursor) => {
    // No list has what is withdrawn; by its id it is found.
    if (q && /^[0-9a-f]{32}$/.test(q)) return { rows: await find(q), next: null };
    const asked = { q, cursor, limit: 100, sort: /** @type {const} */ ("name") };
    const page = await call(api.GET("/api/v1/products", { params: { query: asked } }));
    return { rows: page.products.filter(({ stock }) => !isLow || stock < LOW), next: page.next_cursor };
  }, [q, isLow]);
  // Caches may keep the list for a minute: what was saved is shown from its own answer.
  const show = (/** @type {Product} */ saved) => pages.edit((rows) => rows.some(({ id }) => id === saved.id)
    ? rows.map((row) => row.id === saved.id ? saved : row) : [saved, ...rows]);
  const withdraw = async (/** @type {Product} */ product) => {
    const text = "It leaves the lists and cannot be ordered. Old orders keep showing it.";
    if (!(await confirm({ title: `Withdraw ${product.name}?`, text, yes: "Withdraw" }))) return;
    await call(api.DELETE("/api/v1/products/{id}", { params: { path: { id: product.id } } }));
    notify(`${product.name} is withdrawn.`);
    show({ ...product, is_active: false });
  };
  const putBack = async (/** @type {Product} */ { id, name }) => {
    show(await call(api.PUT("/api/v1/products/{id}", { params: { path: { id } }, body: { is_active: true } })));
    notify(`${name} is on sale again.`);
  };
  const attempt = (/** @type {Promise<void>} */ work) => work.catch((/** @type {Problem} */ { message }) => notify(message));
  /** @type {import("./parts.js").Columns<Product>} */
  const columns = [
    ["Product", ({ id, name }) => html`<a href="/shop/products/${id}">${name}</a>`],
    ["Category", ({ category }) => category],
    ["Price", ({ price, currency }) => html`<${Money} amount=${price} currency=${currency} />`, "number"],
    ["Stock", ({ stock }) => html`<span>${stock < LOW && html`<${Badge} kind=${stock ? "busy" : "bad"}>${stock ? "low" : "sold out"}<//> `}${stock}</span>`, "number"],
    ["", (product) => html`<div class="actions">${!product.is_active ? html`<${Badge} kind="bad">withdrawn<//>
      <${Button} label="Put ${product.name} back on sale" onClick=${() => attempt(putBack(product))}>Put back on sale<//>` : html`
      <${Button} label="Restock ${product.name}" onClick=${() => setOpen({ what: "restock", product })}>Restock<//>
      <${Button} label="Change ${product.name}" onClick=${() => setOpen({ what: "change", product })}>Change<//>
      <${Button} kind="danger" label="Withdraw ${product.name}" onClick=${() => attempt(withdraw(product))}>Withdraw<//>`}</div>`],
  ];
  const close = () => setOpen(null);
  const DialogOf = open && { add: Change, change: Change, restock: Restock }[open.what];
  return html`
    <${Head} title="Products"><${Button} kind="main" onClick=${() => setOpen({ what: "add" })}>Add a product<//><//>
    <div class="filters">
      <${Draft} type="search" aria-label="Search products" placeholder="Name or id" value=${q ?? ""}
        onCommit=${(/** @type {string} */ text) => ask(query, { q: text })} />
      <${Choice} label="Stock" options=${{ "": "All", low: `Below ${LOW}` }} value=${isLow ? "low" : ""}
        onChoose=${(/** @type {string} */ stock) => ask(query, { stock })} />
    </div>
    ${pages.rows.length > 0 && html`<${Table} label="Products" columns=${columns} rows=${pages.rows}
      keyOf=${(/** @type {Product} */ { id }) => id} />`}
    ${pages.isEmpty && html`<${Empty}>No products here.<//>`}
    <${More} pages=${pages} />
    ${DialogOf && html`<${DialogOf} key=${open.product?.id} product=${open.product} onClose=${close} onDone=${show} />`}`;
}

/** @param {{product?: Product, onClose: () => void, onDone: (saved: Product) => void}} props without a product, a new one is added */
function Change({ product, onClose, onDone }) {
  const id = useId();
  const keyFor = useKey();
  // What is changed is the product as it is now: no cache keeps products by their ids.
  const now = useLoad(async () => {
    if (!product) return undefined;
    const { products } = await call(api.GET("/api/v1/products", { params: { query: { ids: product.id } } }));
    return products[0];
  }, []);
  const send = async (/** @type {Record<string, string>} */ { stock, ...values }) => {
    const body = /** @type {{name: string, price: string, category: string, description: string}} */ (values);
    if (now.data) {
      const params = { path: { id: now.data.id }, header: { "If-Match": `"${now.data.version}"` } };
      onDone(await call(api.PUT("/api/v1/products/{id}", { params, body })));
    } else {
      const added = { ...body, stock: Number(stock) };
      onDone(await call(api.POST("/api/v1/products", { params: { header: keyFor(added) }, body: added })));
    }
    notify(`${body.name} is saved.`);
  };
  if (product && !now.data) {
    if (now.isLoading || now.problem) return html`<${Alert} problem=${now.problem} retry=${now.reload} />`;
    return html`<p role="alert" class="alert">${product.name} was withdrawn meanwhile. <${Button} onClick=${onClose}>Close<//></p>`;
  }
  const { name, category, price, description } = now.data ?? {};
  return html`
    <${FormDialog} key=${now.data?.version} title=${product ? `Change ${product.name}` : "Add a product"} yes="Save" onSend=${send} onClose=${onClose}>
      ${(/** @type {Problem | undefined} */ problem) => html`
        <${Field} label="Name" name="name" defaultValue=${name} problem=${problem?.of("name")} required maxlength="200" />
        <${Field} label="Category" name="category" defaultValue=${category} problem=${problem?.of("category")} required maxlength="64" />
        <${Field} label="Price" name="price" defaultValue=${price} problem=${problem?.of("price")} required inputmode="decimal" pattern="[0-9]+([.][0-9]{1,2})?" hint="Such as 19.99" />
        ${!product && html`<${Field} label="Stock" name="stock" type="number" min="0" max="1000000" defaultValue="0" problem=${problem?.of("stock")} required />`}
        <div class="field"><label for=${id}>Description</label><textarea id=${id} name="description" rows="3" maxlength="5000">${description}</textarea></div>
        ${problem?.code === "version-conflict" && html`<p><${Button} onClick=${now.reload}>Show it as it is now<//></p>`}`}
    <//>`;
}

/** @param {{product: Product, onClose: () => void, onDone: (saved: Product) => void}} props */
function Restock({ product, onClose, onDone }) {
  const keyFor = useKey();
  const send = async (/** @type {Record<string, string>} */ values) => {
    const body = { delta: Number(values.delta) };
    const params = { path: { id: product.id }, header: keyFor(body) };
    const saved = await call(api.POST("/api/v1/products/{id}/stock", { params, body }));
    notify(`${product.name} has ${saved.stock} now.`);
    onDone(saved);
  };
  return html`
    <${FormDialog} title="Restock ${product.name}" yes="Restock" onSend=${send} onClose=${onClose}>
      ${(/** @type {Problem | undefined} */ problem) => html`
        <p>There are ${product.stock}.</p>
        <${Field} label="Units to add" name="delta" type="number" required autofocus
          problem=${problem?.of("delta")} hint="Below zero takes some away." />`}
    <//>`;
}

/** One key for each body that is sent, so that a second try of the same does nothing twice. */
function useKey() {
  const sent = useRef({ body: "", key: "" });
  return (/** @type {object} */ wanted) => {
    const body = JSON.stringify(wanted);
    if (sent.current.body !== body) sent.current = { body, key: crypto.randomUUID() };
    return { "Idempotency-Key": sent.current.key };
  };
}
