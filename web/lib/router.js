// Pages by their paths below the folder of index.html: history entries instead of loads.

import { html, useEffect, useErrorBoundary, useState } from "./preact.js";
import { createStore, useStore } from "./store.js";

/** @typedef {(props: {params: Record<string, string>, query: URLSearchParams}) => any} Page */

/** @param {string} path the base, such as "/shop" */
export function createRouter(path) {
  const place = createStore({ path: "/", query: new URLSearchParams() });

  const read = () => {
    const below = decoded(location.pathname).slice(path.length).replace(/\/+$/, "") || "/";
    place.set({ path: below, query: new URLSearchParams(location.search) });
  };
  read();
  addEventListener("popstate", () => {
    Heading.hasMoved = true;
    read();
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !`${url.pathname}/`.startsWith(`${path}/`)) return;
    if (url.hash && url.pathname === location.pathname) return;
    event.preventDefault();
    go(url.pathname.slice(path.length) + url.search);
  });

  /**
   * @param {string} to below the base, with its query
   * @param {{replace?: boolean}} [options] replace: without an entry of its own, as filters are
   */
  function go(to, { replace = false } = {}) {
    const before = place.get().path;
    Heading.hasMoved = true;
    history[replace ? "replaceState" : "pushState"](crypto.randomUUID(), "", path + to);
    read();
    if (!replace && place.get().path !== before) scrollTo(0, 0);
  }

  /**
   * The page of the place.
   *
   * @param {{routes: Record<string, Page>, missing: Page}} props routes: "/orders/:id" → a page
   */
  function Router({ routes, missing }) {
    const { path: now, query } = useStore(place);
    for (const [pattern, Page] of Object.entries(routes)) {
      const params = matched(pattern, now);
      if (params) return html`<${Guarded} key=${now}><${Page} params=${params} query=${query} /><//>`;
    }
    return html`<${missing} params=${{}} query=${query} />`;
  }

  /** @param {string} to */
  const href = (to) => path + to;

  return { Router, go, href, place };
}

/** A sentence in the place of a page that throws, as at an answer of another shape. @param {{children?: any}} props */
function Guarded({ children }) {
  const [error] = useErrorBoundary((thrown) => console.error(thrown));
  if (!error) return children;
  return html`
    <h1>This page has a problem</h1>
    <div class="alert" role="alert">
      <p>It did not understand what the shop has answered.</p><button type="button" onClick=${() => location.reload()}>Load it again</button>
    </div>`;
}

/** @param {string} text whoever writes a link decides about it */
function decoded(text) {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

/**
 * A path with another filter; an empty one goes.
 *
 * @param {string} path
 * @param {URLSearchParams} query
 * @param {Record<string, string>} change
 */
export function filtered(path, query, change) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) value ? next.set(name, value) : next.delete(name);
  return next.size ? `${path}?${next}` : path;
}

/** @param {string} pattern @param {string} path @returns {Record<string, string> | null} */
function matched(pattern, path) {
  const names = pattern.split("/");
  const parts = path.split("/");
  if (names.length !== parts.length) return null;
  /** @type {Record<string, string>} */
  const params = {};
  for (const [i, name] of names.entries()) {
    if (name.startsWith(":") && parts[i]) params[name.slice(1)] = parts[i];
    else if (name !== parts[i]) return null;
  }
  return params;
}

/**
 * The heading of a page, which is the title of the window too. It has the focus after a change of
 * the place, so that a screen reader says where one is.
 *
 * @param {{title: string, shop: string, children?: any}} props
 */
export function Heading({ title, shop, children }) {
  const [element, setElement] = useState(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} · ${shop}`;
  }, [title, shop]);
  useEffect(() => {
    // Not at the first load: the reader begins at the top.
    if (Heading.hasMoved) element?.focus({ preventScroll: true });
  }, [element]);
  return html`<h1 ref=${setElement} tabindex="-1">${title}${children}</h1>`;
}
Heading.hasMoved = false;

// What had the focus may go away with what it has done: the heading takes its place.
let focused = /** @type {EventTarget | null} */ (null);
addEventListener("focusin", ({ target }) => (focused = target));
new MutationObserver(() => {
  if (!(focused instanceof Node) || focused.isConnected || document.activeElement !== document.body) return;
  focused = null;
  document.querySelector("h1")?.focus({ preventScroll: true });
}).observe(document.documentElement, { childList: true, subtree: true });
