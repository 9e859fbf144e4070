// A value that components show and others change.

import { useEffect, useState } from "./preact.js";

/**
 * @template T
 * @typedef {object} Store
 * @property {() => T} get
 * @property {(value: T) => void} set
 * @property {(listener: (value: T) => void) => () => void} subscribe returns how to unsubscribe
 */

/**
 * @template T
 * @param {T} value
 * @returns {Store<T>}
 */
export function createStore(value) {
  /** @type {Set<(value: T) => void>} */
  const listeners = new Set();
  return {
    get: () => value,
    set: (next) => {
      value = next;
      for (const listener of [...listeners]) listener(next);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * @template T
 * @param {Store<T>} store
 * @returns {T}
 */
export function useStore(store) {
  const [, show] = useState({});
  const shown = store.get();
  useEffect(() => {
    // It may have changed between the drawing and now.
    if (store.get() !== shown) show({});
    return store.subscribe(() => show({}));
  }, [store]);
  return shown;
}

/**
 * A store that the browser keeps, for all tabs of this origin.
 *
 * @template T
 * @param {string} key
 * @param {T} initial where nothing is kept, or nothing that is valid
 * @param {(kept: any) => boolean} isValid other pages of this origin and people can write there too
 * @returns {Store<T>}
 */
export function createKeptStore(key, initial, isValid) {
  const read = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(key) ?? "null");
      return isValid(kept) ? kept : initial;
    } catch {
      return initial;
    }
  };
  const store = createStore(read());
  addEventListener("storage", (event) => {
    if (event.key === key || event.key === null) store.set(read());
  });
  return {
    ...store,
    set: (value) => {
      try {
        localStorage.setItem(key, JSON.stringify(value));
      } catch {
        // Storage is full or switched off: the value lasts as long as this tab.
      }
      store.set(value);
    },
  };
}
