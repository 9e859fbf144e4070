// What the system does now: services, circuits, queues, alarms, and figures over time.

import { api, call } from "../lib/api.js";
import { useLoad } from "../lib/loading.js";
import { html, useState } from "../lib/preact.js";
import { Alert, Badge, Loading, Time } from "../lib/ui.js";
import { Chart } from "./charts.js";
import { Choice, Head } from "./parts.js";
import { href } from "./place.js";

/** @typedef {import("../lib/types.js").Schemas} Schemas */

const SECONDS = 1000;
const HOURS = { 1: "1 hour", 3: "3 hours", 24: "24 hours" };
const CIRCUITS = { closed: "good", half_open: "busy", open: "bad" };
const ALARMS = { ok: "good", alarm: "bad", insufficient_data: "plain" };

export function OverviewPage() {
  const [hours, setHours] = useState("1");
  return html`
    <${Head} title="Overview" />
    <${Services} />
    <div class="thirds"><${Circuits} /><${Queues} /><${Alarms} /></div>
    <div class="head"><h2>Over time</h2>
      <${Choice} label="Time" options=${HOURS} value=${hours} onChoose=${setHours} /></div>
    <${Figures} hours=${Number(hours)} />`;
}

/** @param {string} name "total_stock" → "total stock" */
const words = (name) => name.replaceAll("_", " ");

function Services() {
  const { data, problem, reload } = useLoad(() => call(api.GET("/health")), [], { every: 10 * SECONDS });
  if (!data) return problem ? html`<${Alert} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  /** @param {[string, unknown]} entry */
  const isFigure = ([name, value]) => typeof value === "number" && !["uptime_seconds", "memory_mb"].includes(name);
  return html`
    <${Alert} problem=${problem} />
    <div class="quarters">${Object.entries(data.services).map(([name, own]) => html`
      <section key=${name} class="card"><div class="head"><h2>${name}</h2>
        <${Badge} kind=${own.status === "healthy" ? "good" : "bad"}>${own.status}<//></div>
        <dl class="pairs">${[...Object.entries(own), ...Object.entries(own.by_status ?? {})].filter(isFigure).map(([key, value]) => html`
          <div key=${key}><dt>${words(key)}</dt><dd>${value}</dd></div>`)}</dl>
      </section>`)}</div>`;
}

/**
 * A card of something that is looked at every few seconds.
 *
 * @template T
 * @param {{title: string, load: () => Promise<T>, show: (data: T) => any}} props
 */
function Watched({ title, load, show }) {
  const { data, problem, reload } = useLoad(load, [], { every: 5 * SECONDS });
  return html`
    <section class="card"><h2>${title}</h2>
      <${Alert} problem=${problem} retry=${reload} />
      ${data ? show(data) : !problem && html`<${Loading} />`}
    </section>`;
}

function Circuits() {
  const show = (/** @type {Schemas["CircuitListResponse"]} */ { circuits }) => html`
    <ul class="states">${circuits.map(({ name, state, opened_at: at }) => html`
      <li key=${name}><span>${name} ${at && html`<small>since <${Time} at=${at} /></small>`}</span>
        <${Badge} kind=${CIRCUITS[state]}>${words(state)}<//></li>`)}</ul>`;
  return html`<${Watched} title="Circuits" load=${() => call(api.GET("/api/v1/operations/circuits"))} show=${show} />`;
}

function Queues() {
  const show = (/** @type {Schemas["QueueListResponse"]} */ { queues }) => html`
    <ul class="states">${queues.map((queue) => html`
      <li key=${queue.name}><a href=${href("/queues")}>${queue.name}</a>
        <span>${queue.waiting} waiting, ${queue.in_flight} in flight${" "}
          ${queue.dead_letters > 0 && html`<${Badge} kind="bad">${queue.dead_letters} dead<//>`}</span></li>`)}</ul>`;
  return html`<${Watched} title="Queues" load=${() => call(api.GET("/api/v1/operations/queues"))} show=${show} />`;
}

function Alarms() {
  const show = (/** @type {Schemas["AlarmListResponse"]} */ { alarms }) => {
    const loud = alarms.filter(({ state }) => state === "alarm");
    const quiet = alarms.length - loud.length;
    return html`
      <ul class="states">${loud.map((alarm) => html`
        <li key=${alarm.name}><span>${alarm.name} <small>since <${Time} at=${alarm.since} />. ${alarm.reason}</small></span>
          <${Badge} kind=${ALARMS[alarm.state]}>alarm<//></li>`)}
        <li><span>${loud.length ? "The others" : "All alarms"}</span> <${Badge} kind="good">${quiet} quiet<//></li></ul>`;
  };
  return html`<${Watched} title="Alarms" load=${() => call(api.GET("/api/v1/operations/alarms"))} show=${show} />`;
}

/** @param {{hours: number}} props */
function Figures({ hours }) {
  const load = () => call(api.GET("/api/v1/operations/metrics", { params: { query: { hours } } }));
  const { data, problem, reload } = useLoad(load, [hours], { every: 30 * SECONDS });
  if (!data) return problem ? html`<${Alert} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  return html`
    <${Alert} problem=${problem} />
    <div class="thirds">
      <${Chart} title="Orders" hours=${hours} series=${data.series}
        names=${{ orders_placed: "placed", orders_confirmed: "confirmed", orders_cancelled: "cancelled" }} />
      <${Chart} title="Latency" unit=" ms" hours=${hours} series=${data.series} names=${{ latency_p50: "median", latency_p99: "99 %" }} />
      <${Chart} title="Requests" hours=${hours} series=${data.series}
        names=${{ requests: "all", client_errors: "4xx", server_errors: "5xx" }} />
    </div>`;
}
