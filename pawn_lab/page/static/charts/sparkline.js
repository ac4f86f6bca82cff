/** A curve the size of a word. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { Extent } from "./series.js";

const EDGE = 2;

/**
 * @param {object} props
 * @param {(number | null)[]} props.values null is a gap.
 * @param {string} props.label What the values are.
 * @param {number} [props.width] Pixels.
 * @param {number} [props.height]
 */
export function Sparkline({ values, label, width = 90, height = 22 }) {
  const there = /** @type {number[]} */ (values.filter((value) => value !== null));
  if (!there.length) return html`<span class="quiet">–</span>`;
  const last = there[there.length - 1];
  const said = `${label}: from ${number(there[0])} to ${number(last)}, least ${number(there.reduce((a, b) => Math.min(a, b)))}`;
  const place = placing(values, width, height);
  const end = values.lastIndexOf(last);
  return html`<svg class="sparkline" width=${width} height=${height} role="img" aria-label=${said}>
    <title>${said}</title>
    <path d=${path(values, place)} />
    <circle cx=${place(end, last)[0]} cy=${place(end, last)[1]} r="2" />
  </svg>`;
}

/** @param {(number | null)[]} values @param {number} width @param {number} height */
function placing(values, width, height) {
  const extent = new Extent();
  extent.addAll(values);
  const [low, high] = extent.range(false, 0);
  const across = (width - 2 * EDGE) / Math.max(1, values.length - 1);
  const up = (height - 2 * EDGE) / (high - low);
  return (/** @type {number} */ i, /** @type {number} */ value) => [
    EDGE + i * across,
    height - EDGE - (value - low) * up,
  ];
}

/** @param {(number | null)[]} values @param {(i: number, value: number) => number[]} place */
function path(values, place) {
  const parts = values.map((value, i) => {
    if (value === null) return "";
    const start = i === 0 || values[i - 1] === null;
    return `${start ? "M" : "L"}${place(i, value)
      .map((pixels) => pixels.toFixed(1))
      .join(" ")}`;
  });
  return parts.join("");
}
