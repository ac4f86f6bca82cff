/** All trials of a lab, kept up to date by what has changed only. */

import { useEffect, useMemo, useRef, useState } from "../preact.js";
import { source } from "../source.js";
import { rowsOf } from "./columns.js";

const NEXT_PART_MS = 300; // between answers, while the server has not read all

/**
 * The rows of the view `trials`; after the first answer only changed ones are asked for.
 *
 * @param {string | undefined} tag
 * @returns {{rows: import("./columns.js").Row[], kinds: Record<string, import("./columns.js").Kind>,
 *   pending: number, error: Error | null, ready: boolean}} pending: trials not read yet
 */
export function useTrials(tag) {
  const known = useRef(/** @type {{tag?: string, answer: any}} */ ({ answer: null }));
  const [state, setState] = useState(
    /** @type {{answer: any, error: Error | null}} */ ({ answer: null, error: null }),
  );
  useEffect(() => {
    let [gone, busy, due] = [false, false, false];
    let timer = 0;
    const ask = async () => {
      due = busy;
      if (busy) return; // one answer after the other: each continues the one before
      busy = true;
      const last = known.current.tag === tag ? known.current.answer : null;
      try {
        const answer = merged(last, await source.view("trials", { tag, since: last?.cursor }));
        known.current = { tag, answer };
        if (!gone) setState({ answer, error: null });
      } catch (error) {
        if (!gone) setState((/** @type {any} */ before) => ({ ...before, error }));
      }
      busy = false;
      if (due && !gone) ask();
      else if (known.current.answer?.pending) timer = window.setTimeout(ask, NEXT_PART_MS);
    };
    ask();
    const off = source.onChange(ask);
    return () => {
      gone = true;
      window.clearTimeout(timer);
      off();
    };
  }, [tag]);
  const rows = useMemo(() => (state.answer ? rowsOf(state.answer) : []), [state.answer]);
  return {
    rows,
    kinds: state.answer?.kinds || {},
    pending: state.answer?.pending || 0,
    error: state.error,
    ready: state.answer !== null,
  };
}

/**
 * Put changed rows in the place of the ones before.
 *
 * @param {any} last the answer before; null for none
 * @param {any} answer
 */
export function merged(last, answer) {
  if (!last || answer.whole) return answer;
  const [id, variant] = ["id", "variant"].map((name) => answer.columns.indexOf(name));
  const rows = new Map(
    [...last.rows, ...answer.rows].map((row) => [`${row[id]} ${row[variant]}`, row]),
  );
  const ordered = [...rows.values()].sort((a, b) => a[id] - b[id]);
  return { ...answer, kinds: kindsOf(last, answer), rows: ordered };
}

/** The defaults of a changed row may name fields that no row before it set. @param {any} last @param {any} answer */
function kindsOf(last, answer) {
  const kinds = { ...last.kinds, ...answer.kinds };
  for (const [name, kind] of Object.entries(kinds)) {
    kinds[name] = { ...kind, defaults: { ...last.kinds[name]?.defaults, ...kind.defaults } };
  }
  return kinds;
}
