/** A board with its men; squares can be chosen by mouse, finger and keys. */

import { html, useState } from "../preact.js";
import { isWhite, manName, outline } from "./pieces.js";
import { corner, SIDE, squareName } from "./squares.js";

const STEPS = /** @type {Record<string, number>} */ ({
  ArrowUp: 8,
  ArrowDown: -8,
  ArrowRight: 1,
  ArrowLeft: -1,
});
const SQUARES = Array.from({ length: 64 }, (_, square) => square);

/**
 * @param {object} props
 * @param {string} props.label What it shows.
 * @param {string[]} props.men By square, a1 first.
 * @param {boolean} [props.flipped] Whether Black is below.
 * @param {number[]} [props.lit] Squares that stand out.
 * @param {number[]} [props.targets] Squares that may be chosen next.
 * @param {(square: number) => void} [props.onSquare] Without it, the board is a picture.
 * @param {any} [props.children] Drawn over the men.
 */
export function Chessboard({
  label,
  men,
  flipped = false,
  lit = [],
  targets = [],
  onSquare,
  children,
}) {
  const [cursor, setCursor] = useState(/** @type {number | null} */ (null));
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    const at = cursor ?? (flipped ? 63 : 0);
    if (step) setCursor(moved(at, flipped ? -step : step));
    else if (event.key === "Enter" || event.key === " ") onSquare?.(at);
    else return;
    event.preventDefault();
  };
  const onClick = (/** @type {any} */ event) => {
    const square = event.target.closest("[data-square]")?.dataset.square;
    if (square !== undefined) onSquare?.(Number(square));
  };
  const playable = onSquare
    ? { tabIndex: 0, role: "application", onKeyDown, onClick, onBlur: () => setCursor(null) }
    : { role: "img" };
  return html`<div class="chessboard">
    <svg viewBox="0 0 ${8 * SIDE} ${8 * SIDE}" aria-label=${label} ...${playable}>
      ${SQUARES.map(
        (square) =>
          html`<${Square}
            ...${{ square, flipped, lit: lit.includes(square), at: square === cursor }}
          />`,
      )}
      ${SQUARES.map((square) => html`<${Man} man=${men[square]} ...${{ square, flipped }} />`)}
      ${targets.map((square) => html`<${Target} ...${{ square, flipped }} />`)} ${children}
    </svg>
    ${
      onSquare &&
      html`<span class="unseen" aria-live="polite"
        >${cursor !== null && `${squareName(cursor)}, ${manName(men[cursor])}`}</span
      >`
    }
  </div>`;
}

/** The square one step on, or the same at the edge. @param {number} square @param {number} step */
function moved(square, step) {
  const to = square + step;
  const across = Math.abs((to % 8) - (square % 8));
  return to < 0 || to > 63 || across > 1 ? square : to;
}

/** @param {{square: number, flipped: boolean, lit: boolean, at: boolean}} props */
function Square({ square, flipped, lit, at }) {
  const { x, y } = corner(square, flipped);
  const shade = (square + Math.floor(square / 8)) % 2 ? "light" : "dark";
  const [file, rank] = squareName(square);
  return html`<g data-square=${square} class="square ${shade}${lit ? " lit" : ""}">
    <rect x=${x} y=${y} width=${SIDE} height=${SIDE} />
    ${y === 7 * SIDE && html`<text x=${x + SIDE - 7} y=${y + SIDE - 3}>${file}</text>`}
    ${x === 0 && html`<text x="2" y=${y + 10}>${rank}</text>`}
    ${at && html`<rect class="cursor" x=${x + 1.5} y=${y + 1.5} width=${SIDE - 3} height=${SIDE - 3} />`}
  </g>`;
}

/** @param {{man: string, square: number, flipped: boolean}} props */
function Man({ man, square, flipped }) {
  if (man === "." || !man) return null;
  const { x, y } = corner(square, flipped);
  return html`<path
    data-square=${square}
    data-man=${man}
    class=${isWhite(man) ? "man white" : "man black"}
    transform="translate(${x} ${y})"
    d=${outline(man)}
  />`;
}

/** @param {{square: number, flipped: boolean}} props */
function Target({ square, flipped }) {
  const { x, y } = corner(square, flipped);
  return html`<circle
    class="target"
    data-square=${square}
    cx=${x + SIDE / 2}
    cy=${y + SIDE / 2}
    r=${SIDE / 6}
  />`;
}
