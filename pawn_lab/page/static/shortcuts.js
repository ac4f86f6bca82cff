/** Keys that work anywhere but in a field: `g` and a page's key, and `?` for the list. */

import { useEffect } from "./preact.js";
import { go, link } from "./state.js";

const PATIENCE_MS = 1500;

/**
 * @param {{name: string, key?: string}[]} pages
 * @param {() => void} onHelp
 */
export function useShortcuts(pages, onHelp) {
  useEffect(() => {
    let begunAt = -Infinity;
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      const page = pages.find(({ key }) => key === event.key);
      if (event.key === "?") onHelp();
      else if (page && event.timeStamp - begunAt < PATIENCE_MS) go(link(page.name));
      begunAt = event.key === "g" ? event.timeStamp : -Infinity;
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}
