import { html } from "../preact.js";

/** A shape for each state, so that colour never stands alone. */
const SHAPES = /** @type {Record<string, string>} */ ({
  queued: "○",
  launching: "◔",
  running: "▶",
  paused: "‖",
  completed: "✓",
  failed: "✕",
  killed: "■",
  lost: "?",
  held: "◇",
  active: "▶",
  stopped: "■",
});

/** A state of a trial, a sweep or a point of one. @param {{state: string}} props */
export function Badge({ state }) {
  return html`<span class="badge" data-state=${state}
    ><span aria-hidden="true">${SHAPES[state] ?? "·"}</span> ${state}</span
  >`;
}
