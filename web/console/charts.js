// Figures over time, as lines; and as a table for those who do not see them.

import { html } from "../lib/preact.js";

/** @typedef {import("../lib/types.js").Schemas["SeriesResponse"]} Series */

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const W = 360;
const H = 130;
const PAD = { left: 40, right: 8, top: 8, bottom: 20 };

/** @param {number} value the next round figure above */
function roundUp(value) {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((times) => times * step).find((top) => top >= value) ?? value;
}

/** @param {{title: string, hours: number, series: Series[], names: Partial<Record<Series["name"], string>>, unit?: string}} props */
export function Chart({ title, hours, series, names, unit = "" }) {
  const shown = series.filter(({ name }) => names[name]);
  const times = [...new Set(shown.flatMap(({ points }) => points.map(({ at }) => at)))].sort();
  if (!times.length) return html`<section class="card chart"><h2>${title}</h2><p class="empty">No figures yet.</p></section>`;
  const last = Date.parse(times.at(-1) ?? "");
  const first = last - hours * 3_600_000;
  const top = roundUp(Math.max(1, ...shown.flatMap(({ points }) => points.map(({ value }) => value))));
  const x = (/** @type {string} */ at) => PAD.left + ((Date.parse(at) - first) / (last - first)) * (W - PAD.left - PAD.right);
  const y = (/** @type {number} */ value) => H - PAD.bottom - (value / top) * (H - PAD.top - PAD.bottom);
  const valueAt = (/** @type {Series} */ { points }, /** @type {string} */ at) => points.find((point) => point.at === at)?.value;
  return html`
    <section class="card chart">
      <h2>${title}</h2>
      <p class="legend">${shown.map(({ name, points }, i) => html`
        <span key=${name} class="series-${i}">${names[name]} <b>${Math.round(points.at(-1)?.value ?? 0)}${unit}</b></span>`)}</p>
      <svg viewBox="0 0 ${W} ${H}" aria-hidden="true">
        ${[0, top / 2, top].map((value) => html`<g key=${value}>
          <line x1=${PAD.left} x2=${W - PAD.right} y1=${y(value)} y2=${y(value)} />
          <text x=${PAD.left - 5} y=${y(value) + 3} text-anchor="end">${value}</text></g>`)}
        <text x=${PAD.left} y=${H - 4}>${CLOCK.format(first)}</text>
        <text x=${W - PAD.right} y=${H - 4} text-anchor="end">${CLOCK.format(last)}</text>
        ${shown.map(({ name, points }, i) => html`<g key=${name} class="series-${i}">
          <polyline points=${points.map(({ at, value }) => `${x(at)},${y(value)}`).join(" ")} />
          ${points.length < 10 && points.map(({ at, value }) => html`<circle cx=${x(at)} cy=${y(value)} r="2.5" />`)}</g>`)}
      </svg>
      <details><summary>${title} as a table</summary>
        <div class="scroll" tabindex="0" role="region" aria-label="${title}, figures"><table class="small">
          <thead><tr><th scope="col">Time</th>${shown.map(({ name }) => html`<th scope="col" class="number">${names[name]}</th>`)}</tr></thead>
          <tbody>${times.map((at) => html`<tr key=${at}><td>${CLOCK.format(Date.parse(at))}</td>
            ${shown.map((one) => html`<td class="number">${valueAt(one, at) ?? "–"}</td>`)}</tr>`)}</tbody>
        </table></div></details>
    </section>`;
}
