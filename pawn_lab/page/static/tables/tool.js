/** Answers of tools that only read, for pages. */

import { useEffect, useState } from "../preact.js";
import { source } from "../source.js";

/** @typedef {import("../sources/stream.js").Change} Change */

const PAUSE_MS = 5000;

/**
 * The answer of a tool, asked again some seconds after a change; null arguments ask nothing.
 *
 * @param {string} tool
 * @param {Record<string, unknown> | null} args
 * @param {number[] | null} [trials] Of which a change may change the answer; null: of any.
 * @returns {{answer: any, error: Error | null}}
 */
export function useTool(tool, args, trials = null) {
  const key = JSON.stringify([tool, args]);
  const [state, setState] = useState({ key, answer: null, error: null });
  useEffect(() => {
    if (args === null) return undefined;
    let gone = false;
    let timer = 0;
    const ask = () => {
      timer = 0;
      source.call(tool, args).then(
        (answer) => !gone && setState({ key, answer, error: null }),
        (error) => !gone && setState({ key, answer: null, error }),
      );
    };
    ask();
    const off = source.onChange((change) => {
      if (concerns(change, trials)) timer ||= window.setTimeout(ask, PAUSE_MS);
    });
    return () => {
      gone = true;
      window.clearTimeout(timer);
      off();
    };
  }, [key]);
  return state.key === key ? state : { answer: null, error: null };
}

/** @param {Change} change @param {number[] | null} trials */
function concerns({ trials: changed, notes }, trials) {
  if (changed === null) return true;
  if (changed.length === 0) return !notes; // of the lab itself
  return trials === null || changed.some((id) => trials.includes(id));
}

/**
 * The rows of an answer's table as objects; tools send the names of columns once.
 *
 * @param {{columns: string[], rows: any[][]} | [] | null | undefined} table
 * @returns {Record<string, any>[]}
 */
export function rowsOfTable(table) {
  if (!table || Array.isArray(table)) return [];
  return table.rows.map((row) =>
    Object.fromEntries(table.columns.map((name, n) => [name, row[n]])),
  );
}
