/** Moves as arrows, wide by their probability. */

import { html } from "../preact.js";
import { ends, middle } from "./squares.js";

const MOST = 8;
const LEAST_OF_LIKELIEST = 0.02;
const NARROWEST = 1.5;
const WIDEST = 9;
const KEY = [
  ["expected", "expected"],
  ["illegal", "expected, illegal"],
  ["played", "played next"],
];

/**
 * @typedef {{uci: string, p: number}} Expected
 *
 * @param {object} props
 * @param {Expected[]} props.legal The likeliest first.
 * @param {Expected[]} props.illegal
 * @param {string} [props.played] The move that the game goes on with.
 * @param {boolean} props.flipped
 */
export function Arrows({ legal, illegal, played, flipped }) {
  const most = Math.max(...[...legal, ...illegal].map(({ p }) => p));
  const drawn = (/** @type {Expected[]} */ moves) =>
    merged(moves).filter(({ p }) => p >= LEAST_OF_LIKELIEST * most);
  const arrow = (/** @type {Expected} */ { uci, p }, /** @type {string} */ kind) =>
    html`<${Arrow} key=${kind + uci} ...${{ uci, kind, flipped, width: width(p / most) }} />`;
  return html`<g class="arrows" aria-hidden="true">
    ${drawn(illegal).map((move) => arrow(move, "illegal"))}
    ${drawn(legal)
      .slice(0, MOST)
      .reverse()
      .map((move) => arrow(move, "expected"))}
    ${played && html`<${Arrow} uci=${played} kind="played" flipped=${flipped} width=${NARROWEST} />`}
  </g>`;
}

/** What each kind of arrow means. */
export function ArrowKey() {
  return html`<p class="small quiet">
    ${KEY.map(
      ([kind, words]) =>
        html`<span class="arrow-words"><span class="arrow-key ${kind}" />${words}</span>`,
    )}
  </p>`;
}

/** Promotions of one pawn step are one arrow. @param {Expected[]} moves */
function merged(moves) {
  const shares = /** @type {Map<string, number>} */ (new Map());
  for (const { uci, p } of moves) {
    const step = uci.slice(0, 4);
    shares.set(step, (shares.get(step) ?? 0) + p);
  }
  return [...shares].map(([uci, p]) => ({ uci, p })).sort((a, b) => b.p - a.p);
}

/** Units, so that areas compare. @param {number} share Of the likeliest. */
function width(share) {
  return NARROWEST + (WIDEST - NARROWEST) * Math.sqrt(share);
}

/** @param {{uci: string, kind: string, width: number, flipped: boolean}} props */
function Arrow({ uci, kind, width, flipped }) {
  const [from, to] = ends(uci).map((square) => middle(square, flipped));
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const angle = (180 / Math.PI) * Math.atan2(to.y - from.y, to.x - from.x);
  const head = 7 + width;
  const neck = length - head;
  return html`<g class="arrow ${kind}" transform="translate(${from.x} ${from.y}) rotate(${angle})">
    <line x1="4" y1="0" x2=${neck} y2="0" stroke-width=${width} />
    <path d="M${neck} ${-head / 2 - 1}L${length} 0L${neck} ${head / 2 + 1}z" />
  </g>`;
}
