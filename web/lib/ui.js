// The parts that pages of shop and console are made of.

import { html, useEffect, useId, useRef, useState } from "./preact.js";
import { user } from "./session.js";
import { createStore, useStore } from "./store.js";

/** @typedef {import("./problems.js").Problem} Problem */

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @param {{amount: string, currency: string}} props a decimal string, as the API gives it */
export function Money({ amount, currency }) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  // Intl takes decimal strings without rounding them to a float.
  return html`<span class="money">${format.format(/** @type {any} */ (amount))}</span>`;
}

/** @param {{at: string}} props */
export function Time({ at }) {
  return html`<time datetime=${at}>${TIME.format(new Date(at))}</time>`;
}

/** @param {{kind: string, children: any}} props kind: good, bad, busy or plain */
export function Badge({ kind, children }) {
  return html`<span class="badge ${kind}">${children}</span>`;
}

/** @param {{problem?: Problem, retry?: () => void}} props */
export function Alert({ problem, retry }) {
  if (!problem) return null;
  const { request_id: id } = problem.document;
  return html`
    <div class="alert" role="alert">
      <p>${problem.message}</p>
      ${retry && problem.isTemporary && html`<button type="button" onClick=${retry}>Try again</button>`}
      ${problem.status >= 500 && id && html`<small>Request ${id}</small>`}
    </div>`;
}

/**
 * @param {{children: any, isBusy?: boolean, kind?: string, onClick?: (event: Event) => void,
 *   type?: string, disabled?: boolean, label?: string}} props kind: main, quiet or danger
 */
export function Button({ children, isBusy, kind = "", type = "button", disabled, label, onClick }) {
  return html`
    <button type=${type} class=${kind} aria-label=${label} aria-busy=${isBusy ? "true" : null}
      disabled=${disabled} onClick=${isBusy ? null : onClick}>${children}</button>`;
}

/**
 * A labelled input; `problem` is what the API said of its value.
 *
 * @param {{label: string, name: string, problem?: string, hint?: string, type?: string} & Record<string, any>} props
 */
export function Field({ label, name, problem, hint, type = "text", ...rest }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} name=${name} type=${type} aria-invalid=${problem ? "true" : null}
        aria-describedby=${problem || hint ? `${id}-note` : null} ...${rest} />
      ${(problem || hint) && html`<small id="${id}-note" class=${problem ? "wrong" : ""}>${problem || hint}</small>`}
    </div>`;
}

/**
 * An input whose text is the person's until it is left: what loads meanwhile does not take it away.
 *
 * @param {{value: string, onCommit: (text: string) => void} & Record<string, any>} props
 */
export function Draft({ value, onCommit, ...rest }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const typed = (/** @type {Event} */ event) => /** @type {HTMLInputElement} */ (event.target).value;
  const commit = (/** @type {Event} */ event) => {
    // Where the text is refused, the value stands again.
    setText(value);
    onCommit(typed(event));
  };
  return html`
    <input value=${text} onInput=${(/** @type {Event} */ event) => setText(typed(event))}
      onChange=${commit} ...${rest} />`;
}

/**
 * A form: `onSend` gets the fields' texts by their names.
 *
 * @param {{onSend: (values: Record<string, string>) => void, children: any, label?: string}} props
 */
export function Form({ onSend, children, label }) {
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    onSend(/** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form))));
  };
  return html`<form aria-label=${label} onSubmit=${send}>${children}</form>`;
}

/** @param {{children?: any}} props */
export function Loading({ children = "Loading …" }) {
  return html`<p class="loading" role="status">${children}</p>`;
}

/** @param {{children: any}} props what stands where a list has nothing */
export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}

/**
 * The end of a list that has more: loads it when it is seen, and has a button for all others.
 *
 * @param {{pages: {hasMore: boolean, isLoading: boolean, problem?: Problem, more: () => void}}} props
 */
export function More({ pages }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const latest = useRef(pages);
  latest.current = pages;
  useEffect(() => {
    const element = end.current;
    if (!element) return;
    const observer = new IntersectionObserver(([entry]) => {
      const { hasMore, isLoading, problem, more } = latest.current;
      if (entry?.isIntersecting && hasMore && !isLoading && !problem) more();
    }, { rootMargin: "400px" });
    observer.observe(element);
    return () => observer.disconnect();
    // A page that is shorter than the window shows the end again.
  }, [pages.isLoading]);
  return html`
    <div ref=${end} class="more">
      <${Alert} problem=${pages.problem} retry=${pages.more} />
      ${pages.isLoading ? html`<${Loading} />`
        : pages.hasMore && !pages.problem && html`<${Button} onClick=${pages.more}>Show more<//>`}
    </div>`;
}

/** Sentences that pass: shown, and read out, for some seconds. */
const notices = createStore(/** @type {{id: number, text: string}[]} */ ([]));
let lastNotice = 0;

/** @param {string} text */
export function notify(text) {
  const id = ++lastNotice;
  notices.set([...notices.get(), { id, text }]);
  setTimeout(() => notices.set(notices.get().filter((notice) => notice.id !== id)), 6000);
}

export function Notices() {
  const all = useStore(notices);
  return html`<div class="notices" role="status">${all.map(({ id, text }) => html`<p key=${id}>${text}</p>`)}</div>`;
}

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {string} yes what the button says
 * @property {(isYes: boolean) => void} answer
 */
const question = createStore(/** @type {Question | null} */ (null));

/**
 * Ask before something that cannot be undone.
 *
 * @param {{title: string, text: string, yes: string}} what
 * @returns {Promise<boolean>}
 */
export function ask(what) {
  return new Promise((answer) => question.set({ ...what, answer }));
}

/** @type {{current: HTMLDialogElement | null}} */
const dialog = { current: null };

function close(isYes = false) {
  const asked = question.get();
  dialog.current?.close();
  question.set(null);
  asked?.answer(isYes);
}

// What is behind the question is gone; here, since an effect would begin to listen too late.
addEventListener("popstate", () => close());
user.subscribe(() => close());

export function Questions() {
  const asked = useStore(question);
  useEffect(() => {
    if (asked) dialog.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  return html`
    <dialog ref=${dialog} aria-labelledby="question" onCancel=${() => close()}>
      <h2 id="question">${asked.title}</h2>
      <p>${asked.text}</p>
      <div class="actions">
        <${Button} onClick=${() => close()}>Cancel<//>
        <${Button} kind="danger" onClick=${() => close(true)}>${asked.yes}<//>
      </div>
    </dialog>`;
}
