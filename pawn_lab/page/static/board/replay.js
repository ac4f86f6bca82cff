/** Where in a game the board stands: forth and back, one move at a time or all by itself. */

import { html, useEffect, useState } from "../preact.js";

const MOVE_MS = 800;

/**
 * @param {object} props
 * @param {string[]} props.sans
 * @param {number} props.ply Moves made.
 * @param {(ply: number) => void} props.onPly
 */
export function Replay({ sans, ply, onPly }) {
  const [runs, setRuns] = useState(false);
  const ends = ply >= sans.length;
  useEffect(() => {
    if (!runs || ends) {
      setRuns(false);
      return;
    }
    const timer = setTimeout(() => onPly(ply + 1), MOVE_MS);
    return () => clearTimeout(timer);
  }, [runs, ply]);
  const button = (
    /** @type {string} */ sign,
    /** @type {string} */ title,
    /** @type {number} */ to,
  ) =>
    html`<button
      type="button"
      title=${title}
      aria-label=${title}
      disabled=${to < 0 || to > sans.length || to === ply}
      onClick=${() => onPly(to)}
    >
      ${sign}
    </button>`;
  return html`<div class="replay">
    <div class="row">
      ${button("|◀", "First position", 0)} ${button("◀", "Move back", ply - 1)}
      <button
        type="button"
        aria-label=${runs ? "Stop" : "Replay"}
        title=${runs ? "Stop" : "Replay"}
        disabled=${ends}
        onClick=${() => setRuns(!runs)}
      >
        ${runs ? "■" : "▶▶"}
      </button>
      ${button("▶", "Move forth", ply + 1)} ${button("▶|", "Last position", sans.length)}
      <span class="small quiet">ply ${ply} of ${sans.length}</span>
    </div>
    <input
      type="range"
      aria-label="Ply"
      min="0"
      max=${sans.length}
      value=${ply}
      onInput=${(/** @type {any} */ event) => onPly(Number(event.target.value))}
    />
    <${Moves} ...${{ sans, ply, onPly }} />
  </div>`;
}

/**
 * The game's moves; each leads to where it was made.
 *
 * @param {{sans: string[], ply: number, onPly: (ply: number) => void}} props
 */
function Moves({ sans, ply, onPly }) {
  const move = (/** @type {number} */ index) =>
    index < sans.length &&
    html`<button
      type="button"
      class="quiet"
      aria-current=${index + 1 === ply ? "step" : undefined}
      onClick=${() => onPly(index + 1)}
    >
      ${sans[index]}
    </button>`;
  const pairs = Array.from({ length: Math.ceil(sans.length / 2) }, (_, number) => number);
  return html`<div class="moves" tabindex="0" role="group" aria-label="Moves of the game">
    ${pairs.map(
      (number) =>
        html`<span key=${number}
          ><span class="quiet small">${number + 1}.</span>${move(2 * number)}${move(
            2 * number + 1,
          )}</span
        >`,
    )}
  </div>`;
}
