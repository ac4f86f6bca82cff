import { html } from "../preact.js";

/**
 * How much of something there is, as a bar; the text says it for those who do not see it.
 *
 * @param {{value: number | null | undefined, of: number | null | undefined, label: string,
 *   text: string}} props
 */
export function Bar({ value, of, label, text }) {
  const share = value && of ? Math.min(1, value / of) : 0;
  return html`<div
    class="bar"
    role="meter"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${Math.round(100 * share)}
    aria-valuetext=${text}
  >
    <div class="bar-full" style="width: ${(100 * share).toFixed(1)}%"></div>
    <span class="bar-text">${text}</span>
  </div>`;
}
