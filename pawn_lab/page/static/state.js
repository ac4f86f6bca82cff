/** The whole view is in the address: `#/page?name=value`, so that a link keeps it. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./preact.js";
import { source } from "./source.js";
import { Listeners } from "./sources/listeners.js";

/**
 * @typedef {{page: string, params: Record<string, string>}} Place
 * @typedef {Record<string, string | number | boolean | null | undefined>} Patch
 */

/** @type {Listeners<void>} */
const moves = new Listeners();
let address = location.hash;

window.addEventListener("hashchange", () => arrive(location.hash));
window.addEventListener("popstate", () => arrive(location.hash));

/** @param {string} hash */
function arrive(hash) {
  if (hash === address) return;
  address = hash;
  moves.tell();
}

/** Read an address. @param {string} hash @returns {Place} */
export function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { page: path, params: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * Write an address; what is null, empty or false is left out.
 *
 * @param {string} page
 * @param {Patch} [params]
 */
export function link(page, params = {}) {
  const given = Object.entries(params).filter(
    ([, value]) => value !== null && value !== undefined && value !== "" && value !== false,
  );
  const query = given.map(([key, value]) => `${readable(key)}=${readable(String(value))}`);
  return `#/${page}${query.length ? `?${query.join("&")}` : ""}`;
}

/** Encode only what would end a value. @param {string} text */
function readable(text) {
  return encodeURIComponent(text).replace(/%(2C|3A|2F|40)/g, (code) => decodeURIComponent(code));
}

/**
 * Go to an address.
 *
 * @param {string} hash
 * @param {{replace?: boolean}} [how] replace: without a step in the history.
 */
export function go(hash, { replace = false } = {}) {
  try {
    if (replace) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  } catch {
    // A host's sandboxed frame has no history; the page goes all the same.
  }
  arrive(hash);
}

/** Where the page is. */
export function place() {
  return parsed(address);
}

/**
 * The place, and `set` that changes its parameters and keeps the others.
 *
 * @returns {Place & {set(patch: Patch, how?: {replace?: boolean}): void}}
 */
export function useRoute() {
  const [hash, setHash] = useState(address);
  useLayoutEffect(() => moves.add(() => setHash(address)), []);
  return useMemo(() => ({ ...parsed(hash), set: setParams }), [hash]);
}

/** @param {Patch} patch @param {{replace?: boolean}} [how] */
function setParams(patch, how) {
  const { page, params } = place();
  go(link(page, { ...params, ...patch }), how);
}

/**
 * The answer of a view, asked again when something has changed; the last answer stays until the
 * next one is there.
 *
 * @param {string} name
 * @param {Record<string, unknown>} [args]
 * @param {(change: import("./sources/stream.js").Change) => boolean} [concerns] Whether a change
 *   may change the answer; without it, every one.
 * @returns {{answer: any, error: Error | null, pending: boolean, again(): void}}
 */
export function useView(name, args = {}, concerns) {
  const key = JSON.stringify([name, args]);
  const [state, setState] = useState({ key: "", answer: null, error: null });
  const ask = useRef(() => {});
  useEffect(() => {
    const stopped = new AbortController();
    const tell = (/** @type {any} */ news) =>
      stopped.signal.aborted || setState((/** @type {any} */ last) => ({ ...last, ...news, key }));
    ask.current = oneAtATime(() =>
      source.view(name, args, stopped.signal).then(
        (answer) => tell({ answer, error: null }),
        (error) => tell({ error }),
      ),
    );
    ask.current();
    const off = source.onChange((change) => (!concerns || concerns(change)) && ask.current());
    return () => {
      off();
      stopped.abort();
    };
  }, [key]);
  return { ...state, pending: state.key !== key, again: () => ask.current() };
}

/**
 * Start something, or once more after it, where it still runs: frequent changes shall neither pile
 * up nor stop an answer that is on its way.
 *
 * @param {() => Promise<unknown>} begin
 */
function oneAtATime(begin) {
  let running = false;
  let wanted = false;
  return async function start() {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await begin();
    }
    running = false;
  };
}

/** Whether the source is connected, what it can, and whom it serves: drawn anew on a change. */
export function useSource() {
  const [, setCount] = useState(0);
  useLayoutEffect(() => source.status.add(() => setCount((/** @type {number} */ n) => n + 1)), []);
  return source;
}
