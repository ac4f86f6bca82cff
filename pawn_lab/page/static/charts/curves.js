/** Curves of trials as a lab has them now, and finer within a zoom. */

import { useEffect, useMemo, useState } from "../preact.js";
import { source } from "../source.js";
import { merged, spliced } from "./answers.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./plot.js").Zoom} Zoom
 * @typedef {import("../sources/stream.js").Change} Change
 */

/** Until trials that were not read yet are asked for again. */
const PAUSE_MS = 500;
/** Points a curve has at most before it is asked for, and thinned, anew. */
const MOST = 2000;
const VIEW = "curves";

/**
 * The answer of the view `curves`: the first one, then grown by new points only.
 *
 * @param {Record<string, unknown> | null} args Null: nothing is asked yet.
 * @param {Zoom} zoom Part of x in which points are as fine as the screen shows.
 * @returns {{answer: Answer | null, error: Error | null, pending: boolean}}
 */
export function useCurves(args, zoom) {
  const whole = useGrowing(args);
  const sampled =
    whole.answer?.curves.some((curve) => curve.sampled) || !whole.answer?.curves.length;
  const part = usePart(sampled && zoom ? args : null, zoom);
  const answer = useMemo(
    () => whole.answer && spliced(whole.answer, part, zoom),
    [whole.answer, part, zoom?.join()],
  );
  return { ...whole, answer };
}

/** @param {Record<string, unknown> | null} args */
function useGrowing(args) {
  const key = JSON.stringify(args);
  const [state, setState] = useState({
    key: "",
    answer: /** @type {Answer | null} */ (null),
    error: /** @type {Error | null} */ (null),
  });
  useEffect(() => {
    if (!args) return;
    const stopped = new AbortController();
    let last = /** @type {Answer | null} */ (null);
    const ask = async () => {
      const since = last && !isLong(last) ? last.cursor : undefined;
      try {
        last = merged(
          since ? last : null,
          await source.view(VIEW, { ...args, since }, stopped.signal),
        );
        if (!stopped.signal.aborted) setState({ key, answer: last, error: null });
      } catch (error) {
        const refused = /** @type {Error} */ (error);
        if (!stopped.signal.aborted) setState((before) => ({ ...before, key, error: refused }));
      }
    };
    return followed(ask, () => last, stopped);
  }, [key]);
  return { answer: state.answer, error: state.error, pending: state.key !== key };
}

/**
 * Ask now and at each change that concerns the answer, one question after the other.
 *
 * @param {() => Promise<void>} ask
 * @param {() => Answer | null} latest
 * @param {AbortController} stopped
 * @returns {() => void} What ends it.
 */
function followed(ask, latest, stopped) {
  let [running, due] = [false, false];
  const start = async () => {
    due = true;
    if (running) return;
    running = true;
    while (due && !stopped.signal.aborted) {
      due = false;
      await ask();
      if (latest()?.pending.length) {
        due = true;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
    running = false;
  };
  const off = source.onChange((change) => concerns(change, latest()) && start());
  start();
  return () => {
    off();
    stopped.abort();
  };
}

/** Whether a change may have brought points; of no trial it may be anything. */
/** @param {Change} change @param {Answer | null} answer */
function concerns(change, answer) {
  if (!answer || !change.trials || answer.pending.length) return true;
  const drawn = new Set([
    ...answer.curves.map((curve) => curve.trial),
    ...answer.groups.flatMap((group) => group.trials ?? []),
  ]);
  return change.trials.length === 0
    ? !change.notes
    : change.trials.some((trial) => drawn.has(trial));
}

/** @param {Answer} answer */
function isLong(answer) {
  return [...answer.curves, ...answer.groups].some((item) => item.x.length > MOST);
}

/** The finer points within a zoom; none until they are there. */
/** @param {Record<string, unknown> | null} args @param {Zoom} zoom @returns {Answer | null} */
function usePart(args, zoom) {
  const key = JSON.stringify([args, zoom]);
  const [state, setState] = useState({ key: "", answer: /** @type {Answer | null} */ (null) });
  useEffect(() => {
    if (!args || !zoom) return;
    const stopped = new AbortController();
    source.view(VIEW, { ...args, low: zoom[0], high: zoom[1] }, stopped.signal).then(
      (answer) => setState({ key, answer }),
      () => {}, // the coarse points stay
    );
    return () => stopped.abort();
  }, [key]);
  return state.key === key ? state.answer : null;
}
