// Hooks for what comes from the API and what is sent to it.

import { useCallback, useEffect, useRef, useState } from "./preact.js";
import { Problem } from "./problems.js";

/** @param {unknown} error @returns {Problem} */
function problemOf(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem(500);
}

/**
 * What a call gives, loaded again when `inputs` change; `every` milliseconds while the page is seen.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown[]} inputs
 * @param {{every?: number}} [options] every: 0 to load once
 */
export function useLoad(load, inputs, { every = 0 } = {}) {
  const [state, setState] = useState(
    /** @type {{data?: T, problem?: Problem, isLoading: boolean}} */ ({ isLoading: true }),
  );
  const latest = useRef(0);
  const answered = useRef(0);
  const notBefore = useRef(0);
  const reload = useCallback(async () => {
    const turn = ++latest.current;
    setState((before) => ({ ...before, isLoading: true }));
    try {
      const data = await load();
      if (turn === latest.current) setState({ data, isLoading: false });
    } catch (error) {
      const problem = problemOf(error);
      notBefore.current = Date.now() + problem.retryAfter * 1000;
      if (turn === latest.current) setState(({ data }) => ({ data, problem, isLoading: false }));
    }
    answered.current = Math.max(answered.current, turn);
  }, inputs);
  useEffect(() => {
    reload();
    return () => void latest.current++;
  }, [reload]);
  useEffect(() => {
    if (!every) return;
    // Answers that take longer than the interval are waited for, and so is what the shop asks for.
    const mayAsk = () => !document.hidden && answered.current === latest.current && Date.now() >= notBefore.current;
    const timer = setInterval(() => mayAsk() && reload(), every);
    return () => clearInterval(timer);
  }, [reload, every]);
  useEffect(() => {
    if (!state.problem?.isTemporary) return;
    addEventListener("online", reload);
    return () => removeEventListener("online", reload);
  }, [reload, state.problem]);
  return { ...state, reload };
}

/** What lists showed, by the history's entries and the lists' inputs. @type {Map<string, any>} */
const shown = new Map();

/**
 * Pages of a list, one after the other.
 *
 * @template T
 * @param {(cursor: string | undefined) => Promise<{rows: T[], next: string | null}>} load
 * @param {unknown[]} inputs a change begins the list anew
 * @param {{isKept?: boolean}} [options] isKept: Back shows the list as it was left
 */
export function usePages(load, inputs, { isKept = false } = {}) {
  /** @typedef {{rows: T[], next: string | null | undefined, problem?: Problem, isLoading: boolean}} Pages */
  const place = `${history.state} ${inputs}`;
  const before = isKept ? shown.get(place) : undefined;
  const [state, setState] = useState(/** @type {Pages} */ (before ?? { rows: [], next: undefined, isLoading: true }));
  const latest = useRef(0);
  const entry = useRef("");
  const fetchPage = async (/** @type {string | undefined} */ cursor) => {
    const turn = ++latest.current;
    const kept = (/** @type {Pages} */ now) => (cursor === undefined ? [] : now.rows);
    // What is shown stays until the answer.
    setState((now) => ({ rows: now.rows, next: cursor, isLoading: true }));
    try {
      const { rows, next } = await load(cursor);
      if (turn === latest.current) setState((now) => ({ rows: [...kept(now), ...rows], next, isLoading: false }));
    } catch (error) {
      const problem = problemOf(error);
      if (turn === latest.current) setState((now) => ({ rows: kept(now), next: cursor, problem, isLoading: false }));
    }
  };
  useEffect(() => {
    entry.current = place;
    if (before) setState(before);
    else fetchPage(undefined);
    return () => void latest.current++;
  }, inputs);
  useEffect(() => {
    if (isKept && !state.isLoading && !state.problem) shown.set(entry.current, state);
  }, [state]);
  return {
    ...state,
    hasMore: state.next !== null,
    // A page may be short, and have others after it.
    isEmpty: !state.isLoading && state.next === null && !state.rows.length,
    more: () => fetchPage(state.next ?? undefined),
    again: () => fetchPage(undefined),
    edit: (/** @type {(rows: T[]) => T[]} */ change) => setState((now) => ({ ...now, rows: change(now.rows) })),
  };
}

/**
 * Something that a person starts: one at a time, with its problem.
 *
 * @template {unknown[]} A
 * @param {(...args: A) => Promise<unknown>} act
 */
export function useAction(act) {
  const [state, setState] = useState(/** @type {{isBusy: boolean, problem?: Problem}} */ ({ isBusy: false }));
  const busy = useRef(false);
  const run = async (/** @type {A} */ ...args) => {
    if (busy.current) return;
    busy.current = true;
    setState({ isBusy: true });
    try {
      await act(...args);
      setState({ isBusy: false });
    } catch (error) {
      setState({ isBusy: false, problem: problemOf(error) });
    } finally {
      busy.current = false;
    }
  };
  return { ...state, run, clear: () => setState({ isBusy: false }) };
}
