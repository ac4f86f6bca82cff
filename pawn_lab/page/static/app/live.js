/** An answer that is kept up to date by its cursor: of an unchanged one hardly anything comes. */

import { useEffect, useRef, useState } from "../preact.js";
import { source } from "../source.js";

const SOONEST_S = 5;
const LATEST_S = 30;
const MOST_TOKENS = 20000; // nobody's context pays for them here

/**
 * @typedef {{tool: string, args: Record<string, unknown>}} Asked
 *
 * @param {Asked} asked
 * @param {any} first The answer that is there already; null: ask for it.
 * @param {boolean} may Whether the host passes calls on.
 * @returns {{answer: any, error: string, at: number, again: () => void}} at: when it was right, in
 *   milliseconds.
 */
export function useLive(asked, first, may) {
  const key = JSON.stringify(asked);
  const [state, setState] = useState({ key, answer: first, error: "", at: Date.now() });
  const now = useRef(state);
  now.current = state.key === key ? state : { key, answer: first, error: "", at: Date.now() };
  const ask = async () => {
    const { answer: known } = now.current;
    const news = await answered(asked, known).catch((error) => ({ error: error.message }));
    if (now.current.key !== key) return;
    if (news.error) setState({ ...now.current, error: news.error });
    else setState({ key, answer: news.unchanged ? known : news, error: "", at: Date.now() });
  };
  useEffect(() => {
    if (!may) return undefined;
    if (!now.current.answer) ask();
    const wait = Number(now.current.answer?.next_check_s ?? SOONEST_S);
    const pause = 1000 * Math.min(LATEST_S, Math.max(SOONEST_S, wait));
    const timer = setInterval(() => document.hidden || ask(), pause);
    return () => clearInterval(timer);
  }, [key, may]);
  return { ...now.current, again: ask };
}

/**
 * What is new; the whole answer where anything is, since rows without news are left out of the rest.
 *
 * @param {Asked} asked
 * @param {any} known
 */
async function answered({ tool, args }, known) {
  const whole = { ...args, max_tokens: MOST_TOKENS, since: null };
  if (known?.cursor) {
    const news = await source.call(tool, { ...whole, since: String(known.cursor) });
    if (news.unchanged) return news;
  }
  return source.call(tool, whole);
}
