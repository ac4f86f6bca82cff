/** Light, dark, or as the system has it; kept in the browser. */

import { keptInBrowser } from "./kept.js";
import { useState } from "./preact.js";

const kept = keptInBrowser("theme");
const THEMES = ["auto", "light", "dark"];

apply(kept.get() ?? "auto");

/** @param {string} theme "auto", "light" or "dark". */
export function apply(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new CustomEvent("pawn-theme")); // canvases draw themselves anew
}

/**
 * The theme and a function that takes the next.
 *
 * @returns {[string, () => void]}
 */
export function useTheme() {
  const [theme, setTheme] = useState(kept.get() ?? "auto");
  const next = () => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    kept.set(chosen === "auto" ? null : chosen);
    apply(chosen);
    setTheme(chosen);
  };
  return [theme, next];
}
