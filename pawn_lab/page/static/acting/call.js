/** One call of a tool from a form: under way, refused, or answered. */

import { useState } from "../preact.js";
import { source } from "../source.js";

/**
 * @typedef {object} Call
 * @property {boolean} pending
 * @property {any} answer The last answer, until the next call.
 * @property {string} error Why the last call was refused; empty where it was not.
 * @property {(tool: string, args: Record<string, unknown>) => Promise<void>} send
 * @property {() => void} forget Leave out what was answered.
 */

const NOTHING = { pending: false, answer: null, error: "" };

/** @returns {Call} */
export function useCall() {
  const [state, setState] = useState(NOTHING);
  return {
    ...state,
    async send(tool, args) {
      setState({ ...NOTHING, pending: true });
      try {
        setState({ ...NOTHING, answer: await source.call(tool, args) });
      } catch (error) {
        setState({ ...NOTHING, error: error instanceof Error ? error.message : String(error) });
      }
    },
    forget: () => setState(NOTHING),
  };
}
