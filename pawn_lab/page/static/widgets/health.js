import { html } from "../preact.js";

/**
 * How a running trial is, with a sign that does not need colour.
 *
 * @param {{health: string | null}} props `ok`, what starts, or what is wrong.
 */
export function Health({ health }) {
  if (health === null) return null;
  if (health === "ok") return html`<span class="good">✓ well</span>`;
  if (health.startsWith("starting")) return html`<span class="quiet">◔ ${health}</span>`;
  return html`<span class="bad">⚠ ${health}</span>`;
}
