/** Questions to the board's process, one at a time: the newest is asked when an answer is there. */

import { useEffect, useRef, useState } from "../preact.js";
import { source } from "../source.js";

/**
 * @typedef {Record<string, unknown>} Fields
 * @typedef {{answer: any, error: Error | null, pending: boolean}} Answer
 */

/**
 * The answer to a question; the last one stays until the next is there.
 *
 * @param {string} question
 * @param {Fields | null} fields null: nothing is asked.
 * @returns {Answer}
 */
export function useAnswer(question, fields) {
  const key = fields && JSON.stringify(fields);
  const [state, setState] = useState(
    /** @type {{key: string | null, answer: any, error: Error | null}} */ ({
      key: null,
      answer: null,
      error: null,
    }),
  );
  const wanted = useRef(key);
  const running = useRef(false);
  wanted.current = key;
  useEffect(() => {
    if (!running.current) ask();
  }, [key]);
  useEffect(() => () => void (wanted.current = null), []);

  async function ask() {
    running.current = true;
    for (let asked = wanted.current; asked !== null; asked = next(asked)) {
      const said = await told(question, JSON.parse(asked));
      setState(({ answer }) => ({ answer, ...said, key: asked }));
    }
    running.current = false;
  }

  /** What is asked behind a question. @param {string} asked */
  function next(asked) {
    return wanted.current === asked ? null : wanted.current;
  }

  return { answer: state.answer, error: state.error, pending: state.key !== key };
}

/** @param {string} question @param {Fields} fields */
async function told(question, fields) {
  try {
    return { answer: await ask(question, fields), error: null };
  } catch (error) {
    return { error: /** @type {Error} */ (error) };
  }
}

/** Ask once. @param {string} question @param {Fields} fields @returns {Promise<any>} */
export async function ask(question, fields) {
  if (!source.board) throw new Error("the board needs a live server");
  return source.board(question, fields);
}
