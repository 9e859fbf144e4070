// The parts that the console's pages share.

import { useAction } from "../lib/loading.js";
import { html, useEffect, useId, useRef } from "../lib/preact.js";
import { Heading } from "../lib/router.js";
import { Alert, Button, Form } from "../lib/ui.js";

/** @typedef {import("../lib/problems.js").Problem} Problem */

/** @param {{title: string, children?: any}} props children: what one can do at this page */
export function Head({ title, children }) {
  return html`<div class="head"><${Heading} title=${title} shop="Bodega console" />${children}</div>`;
}

/** @param {{id: string}} props the beginning is enough for people to tell ids apart */
export function Id({ id }) {
  return html`<code title=${id}>${id.slice(0, 8)}</code>`;
}

/**
 * The columns of a table: kind is "number" for what is aligned to the right.
 *
 * @template T
 * @typedef {[name: string, cell: (row: T) => any, kind?: string][]} Columns
 */

/**
 * A table, whose rows are cards on small screens.
 *
 * The roles are those that the elements lose there, as they are no table to CSS.
 *
 * @template T
 * @param {{label: string, columns: Columns<T>, rows: T[], keyOf: (row: T) => string}} props
 */
export function Table({ label, columns, rows, keyOf }) {
  return html`
    <table role="table" aria-label=${label}>
      <thead role="rowgroup"><tr role="row">
        ${columns.map(([name, , kind]) => html`
          <th role="columnheader" scope="col" class=${kind}>
            ${name || html`<span class="unseen">Actions</span>`}
          </th>`)}
      </tr></thead>
      <tbody role="rowgroup">
        ${rows.map((row) => html`
          <tr role="row" key=${keyOf(row)}>
            ${columns.map(([name, cell, kind]) => html`
              <td role="cell" class=${kind} data-label=${name}>${cell(row)}</td>`)}
          </tr>`)}
      </tbody>
    </table>`;
}

/**
 * A choice among a few, all of them seen.
 *
 * @param {{label: string, options: Record<string, string>, value: string,
 *   onChoose: (value: string) => void}} props options: texts by their values
 */
export function Choice({ label, options, value, onChoose }) {
  const name = useId();
  return html`
    <fieldset class="choice">
      <legend class="unseen">${label}</legend>
      ${Object.entries(options).map(([option, text]) => html`
        <label key=${option}>
          <input type="radio" name=${name} checked=${option === value} onChange=${() => onChoose(option)} />
          <span>${text}</span>
        </label>`)}
    </fieldset>`;
}

/**
 * A dialog with a form, which closes once what it sends has succeeded.
 *
 * @param {{title: string, yes: string, kind?: string, onClose: () => void,
 *   onSend: (values: Record<string, string>) => Promise<unknown>,
 *   children: (problem: Problem | undefined) => any}} props
 */
export function FormDialog({ title, yes, kind = "main", onSend, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  const action = useAction(async (/** @type {Record<string, string>} */ values) => {
    await onSend(values);
    dialog.current?.close();
  });
  useEffect(() => dialog.current?.showModal(), []);
  return html`
    <dialog ref=${dialog} aria-labelledby=${id} onClose=${onClose}>
      <h2 id=${id}>${title}</h2>
      <${Form} onSend=${action.run}>
        ${children(action.problem)}
        <${Alert} problem=${action.problem} />
        <div class="actions">
          <${Button} onClick=${() => dialog.current?.close()}>Cancel<//>
          <${Button} type="submit" kind=${kind} isBusy=${action.isBusy}>${yes}<//>
        </div>
      <//>
    </dialog>`;
}

/** @param {{name: keyof PATHS}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

const PATHS = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
  orders: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  products: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  users: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3 20a6 6 0 0 1 12 0M16 4a3.5 3.5 0 0 1 0 7M17.5 14.5A6 6 0 0 1 21 20",
  queues: "M4 6h16M4 12h16M4 18h9",
  mail: "M3 6h18v12H3zM3 7l9 7 9-7",
  faults: "M13 3L5 14h6l-1 7 8-11h-6z",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
};
