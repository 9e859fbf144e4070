// An order's way through functions, queues and tables, drawn while it goes.

import { useLoad } from "../lib/loading.js";
import { html } from "../lib/preact.js";
import { Alert, Loading } from "../lib/ui.js";
import { local } from "./local.js";

/** @typedef {{name: string, seconds: number | null}} Call */
/** @typedef {{at: string, source: string, kind: string, text: string, seconds: number | null, steps: Call[]}} Row */

const ROW = 30;
const LANE = 124;
const TOP = 34;
const LEFT = 46;
const CHARACTER = 6.5;

/** @param {Row} row */
const laneOf = ({ source, kind }) => (kind === "email" ? "e-mail" : source);

/** @param {{id: string}} props */
export function Flow({ id }) {
  const { data, problem, reload } = useLoad(() => local(`orders/${id}/timeline`), [id], { every: 3000 });
  /** @type {Row[]} */
  const rows = data?.rows ?? [];
  return html`
    <section><h2>Its way through the system</h2>
      <${Alert} problem=${problem} retry=${reload} />
      ${!data && !problem && html`<${Loading} />`}
      ${rows.length > 0 && html`<div class="scroll card" tabindex="0" role="region" aria-label="The order's way, drawn">
        <${Lanes} rows=${rows} /></div>
      <details><summary>As a list</summary><ol class="rows">
        ${rows.map((row, i) => html`<li key=${i}><strong>${row.source}</strong> ${row.text}
          <small>${after(rows, row)}${row.steps.map(({ name }) => ` · ${name}`)}</small></li>`)}
      </ol></details>`}
    </section>`;
}

/** @param {Row[]} rows @param {Row} row */
const after = (rows, row) => `+${((Date.parse(row.at) - Date.parse(rows[0]?.at ?? row.at)) / 1000).toFixed(2)} s`;

/** @param {{rows: Row[]}} props */
function Lanes({ rows }) {
  const lanes = [...new Set(rows.map(laneOf))];
  const x = (/** @type {string} */ lane) => LEFT + (lanes.indexOf(lane) + 0.5) * LANE;
  const y = (/** @type {number} */ i) => TOP + (i + 0.5) * ROW;
  const width = LEFT + lanes.length * LANE + 46;
  const height = TOP + rows.length * ROW + 8;
  return html`
    <svg class="flow" width=${width} height=${height} viewBox="0 0 ${width} ${height}" aria-hidden="true">
      ${lanes.map((lane) => html`<g key=${lane}>
        <text x=${x(lane)} y="16" text-anchor="middle" class=${lane.endsWith("Table") ? "table" : ""}>${lane}</text>
        <line x1=${x(lane)} x2=${x(lane)} y1=${TOP - 6} y2=${height} class="lane" /></g>`)}
      ${rows.map((row, i) => {
        const to = x(laneOf(row));
        const from = i > 0 ? x(laneOf(/** @type {Row} */ (rows[i - 1]))) : to;
        // The text is at the side that has more room.
        const isLeft = to < width / 2;
        const longest = Math.floor(((isLeft ? width - to : to - LEFT) - 20) / CHARACTER);
        const text = row.text.length > longest ? `${row.text.slice(0, longest - 1)}…` : row.text;
        return html`<g key=${i} class=${row.kind}>
          ${from !== to && html`
            <path d="M${from} ${y(i - 1)} C${from} ${y(i)} ${to} ${y(i - 1)} ${to} ${y(i)}" />`}
          <circle cx=${to} cy=${y(i)} r="6"><title>${row.text}</title></circle>
          <text x="4" y=${y(i) + 4} class="at">${after(rows, row)}</text>
          <text x=${isLeft ? to + 11 : to - 11} y=${y(i) + 4} text-anchor=${isLeft ? "start" : "end"}>${text}</text></g>`;
      })}
    </svg>`;
}
