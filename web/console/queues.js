// Queues and their dead letters: look, redrive, purge.

import { api, call } from "../lib/api.js";
import { useAction, useLoad } from "../lib/loading.js";
import { html } from "../lib/preact.js";
import { Alert, Button, Empty, Loading, Time, ask, notify } from "../lib/ui.js";
import { Head, Table } from "./parts.js";

/** @typedef {import("../lib/types.js").Schemas} Schemas */
/** @typedef {Schemas["QueueResponse"]} Queue */
/** @typedef {Schemas["DeadLetterResponse"]} Letter */

export function QueuesPage() {
  const all = useLoad(() => call(api.GET("/api/v1/operations/queues")), [], { every: 5000 });
  return html`
    <${Head} title="Queues" />
    <${Alert} problem=${all.problem} retry=${all.reload} />
    ${!all.data && !all.problem && html`<${Loading} />`}
    ${all.data?.queues.map((queue) => html`<${QueueCard} key=${queue.name} queue=${queue} onChange=${all.reload} />`)}`;
}

/** @type {import("./parts.js").Columns<Letter>} */
const COLUMNS = [
  ["Since", ({ at }) => at && html`<${Time} at=${at} />`],
  ["Event", ({ event_type: type }) => type || "unknown"],
  ["Reason", ({ reason }) => reason],
  ["Request", ({ request_id: id }) => id && html`<code>${id}</code>`],
];
const WORDS = {
  redrive: { yes: "Redrive", text: "The dead letters go back to the queue and are handled again.", done: "The dead letters are on their way back." },
  purge: { yes: "Purge", text: "The dead letters are deleted. What they ask for is never done. This cannot be undone.", done: "The dead letters are deleted." },
};

/** @param {{queue: Queue, onChange: () => void}} props */
function QueueCard({ queue, onChange }) {
  const path = { queue: queue.name };
  const letters = useLoad(async () => {
    if (!queue.dead_letters) return { dead_letters: [], count: 0 };
    return call(api.GET("/api/v1/operations/queues/{queue}/dead-letters", { params: { path } }));
  }, [queue.name, queue.dead_letters]);
  const act = useAction(async (/** @type {"redrive" | "purge"} */ what) => {
    const { yes, text, done } = WORDS[what];
    const title = `${yes} the dead letters of ${queue.name}?`;
    if (!(await ask({ title, text, yes }))) return;
    await call(api.POST(`/api/v1/operations/queues/{queue}/${what}`, { params: { path } }));
    notify(done);
    onChange();
  });
  return html`
    <section class="queue" aria-label=${queue.name}>
      <div class="head"><h2>${queue.name}</h2>
        ${queue.dead_letters > 0 && html`
          <${Button} kind="main" isBusy=${act.isBusy} onClick=${() => act.run("redrive")}>Redrive<//>
          <${Button} kind="danger" isBusy=${act.isBusy} onClick=${() => act.run("purge")}>Purge<//>`}
      </div>
      <dl class="facts card">
        <div><dt>Waiting</dt><dd>${queue.waiting}</dd></div>
        <div><dt>In flight</dt><dd>${queue.in_flight}</dd></div>
        <div><dt>Delayed</dt><dd>${queue.delayed}</dd></div>
        <div><dt>Dead letters</dt><dd>${queue.dead_letters}</dd></div>
      </dl>
      <${Alert} problem=${act.problem ?? letters.problem} />
      ${letters.data?.dead_letters.length
        ? html`<${Table} label="Dead letters of ${queue.name}" columns=${COLUMNS} rows=${letters.data.dead_letters}
            keyOf=${(/** @type {Letter} */ { id }) => id} />`
        : html`<${Empty}>${queue.dead_letters ? "They are being looked at elsewhere." : "No dead letters."}<//>`}
    </section>`;
}
