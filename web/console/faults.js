// Faults on purpose, on this machine's shop: see what the system does when calls fail.

import { useAction, useLoad } from "../lib/loading.js";
import { html, useId } from "../lib/preact.js";
import { Alert, Badge, Button, Field, Form, Loading, Time, notify } from "../lib/ui.js";
import { local } from "./local.js";
import { Head } from "./parts.js";

/** @typedef {{name: string, text: string}} Named */
/** @typedef {{on: {target: string, kind: string, rate: number, until: string}[], targets: Named[], kinds: Named[]}} Faults */

export function FaultsPage() {
  const all = useLoad(() => /** @type {Promise<Faults>} */ (local("faults")), [], { every: 3000 });
  const start = useAction(async (/** @type {Record<string, string>} */ { target, kind, rate, seconds }) => {
    await local("faults", "POST", { target, kind, rate: Number(rate) / 100, seconds: Number(seconds) });
    notify("The fault is on. Functions notice within seconds.");
    await all.reload();
  });
  const stop = useAction(async () => {
    await local("faults", "DELETE");
    notify("No fault is on.");
    await all.reload();
  });
  const text = (/** @type {Named[]} */ names, /** @type {string} */ name) => names.find((one) => one.name === name)?.text ?? name;
  return html`
    <${Head} title="Faults" />
    <${Alert} problem=${all.problem ?? stop.problem} />
    ${!all.data && !all.problem && html`<${Loading} />`}
    ${all.data && html`
      <section class="card" role="status"><h2>What is on</h2>
        ${!all.data.on.length && html`<p>No fault is on.</p>`}
        ${all.data.on.map((one) => html`<p><${Badge} kind="bad">on<//> ${Math.round(one.rate * 100)} % of all ${text(all.data?.targets ?? [], one.target)}
          ${" "}${text(all.data?.kinds ?? [], one.kind)}, until <${Time} at=${one.until} />.</p>`)}
        ${all.data.on.length > 0 && html`<${Button} kind="danger" isBusy=${stop.isBusy} onClick=${stop.run}>Stop it<//>`}
      </section>
      <section class="card narrow"><h2>Switch one on</h2>
        <p class="faint">One at a time: a new fault takes the place of the one before.</p>
        <${Form} label="Switch a fault on" onSend=${start.run}>
          <${Select} label="Which calls" name="target" names=${all.data.targets} />
          <${Select} label="What happens to them" name="kind" names=${all.data.kinds} />
          <${Field} label="Share of the calls, in %" name="rate" type="number" min="1" max="100" defaultValue="100" required />
          <${Field} label="Ends by itself after, in seconds" name="seconds" type="number" min="1" max="3600" defaultValue="60" required />
          <${Alert} problem=${start.problem} />
          <${Button} type="submit" kind="main" isBusy=${start.isBusy}>Switch it on<//>
        <//>
      </section>`}`;
}

/** @param {{label: string, name: string, names: Named[]}} props */
function Select({ label, name, names }) {
  const id = useId();
  return html`<div class="field"><label for=${id}>${label}</label>
    <select id=${id} name=${name}>${names.map((one) => html`
      <option key=${one.name} value=${one.name}>${one.name}: ${one.text}</option>`)}</select></div>`;
}
