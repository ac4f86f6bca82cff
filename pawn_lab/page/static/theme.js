/** Light, dark, or as the system has it; kept in the browser. */

import { keptInBrowser } from "./kept.js";
import { html, useState } from "./preact.js";

const kept = keptInBrowser("theme");
const THEMES = ["auto", "light", "dark"];

apply(kept.get() ?? "auto");

/** @param {string} theme "auto", "light" or "dark". */
export function apply(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new CustomEvent("pawn-theme")); // canvases draw themselves anew
}

/** A button that takes the next theme. */
export function ThemeButton() {
  const [theme, setTheme] = useState(kept.get() ?? "auto");
  const next = () => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    kept.set(chosen === "auto" ? null : chosen);
    apply(chosen);
    setTheme(chosen);
  };
  return html`<button
    class="quiet"
    onClick=${next}
    title="Colours: light, dark, or as the system has it"
    aria-label=${`Colours: ${theme}`}
  >
    <span aria-hidden="true">◐</span> ${theme}
  </button>`;
}
