/** Values side by side as horizontal bars, with their intervals. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { Extent } from "./series.js";
import { axis } from "./ticks.js";

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number | null} value
 * @property {number | null} [low] Ends of its interval.
 * @property {number | null} [high]
 * @property {string} [note]
 * @property {string} [to] Address that the label leads to.
 *
 * @typedef {{label: string, value: number}} Reference
 */

/**
 * A table whose values are drawn too: who does not see the bars reads the same.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {Bar[]} props.bars
 * @param {string} [props.unit]
 * @param {boolean} [props.zero] Whether bars begin at 0; else at the least value.
 * @param {Reference} [props.reference] A value to compare with, drawn through all bars.
 */
export function Bars({ title, bars, unit = "", zero = true, reference }) {
  const extent = new Extent();
  if (zero) extent.add(0);
  for (const bar of bars) extent.addAll([bar.value, bar.low ?? null, bar.high ?? null]);
  extent.add(reference?.value ?? null);
  const scale = axis(extent.range(false, zero ? 0 : 0.05), [0, 100]);
  const said = reference
    ? `${title}; the line is ${reference.label}, ${number(reference.value)}${unit}`
    : title;
  return html`<table class="bars">
    <caption>
      ${said}
    </caption>
    <tbody>
      ${bars.map(
        (bar) =>
          html`<tr key=${bar.label}>
            <th scope="row">${bar.to ? html`<a href=${bar.to}>${bar.label}</a>` : bar.label}</th>
            <td class="bars-drawn" aria-hidden="true">
              ${bar.value !== null && html`<${Drawn} ...${{ bar, scale, zero, reference }} />`}
            </td>
            <td class="numeric">${valueText(bar, unit)}</td>
            <td class="quiet">${bar.note}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {{bar: Bar, scale: import("./ticks.js").Axis, zero: boolean, reference?: Reference}} props */
function Drawn({ bar, scale, zero, reference }) {
  const value = scale.at(bar.value ?? 0);
  const start = zero ? scale.at(0) : 0;
  const line = (/** @type {number} */ x, /** @type {string} */ name) =>
    html`<line class=${name} x1="${x}%" x2="${x}%" y1="0" y2="100%" />`;
  return html`<svg width="100%" height="18">
    <rect
      class="bars-bar"
      x="${Math.min(start, value)}%"
      width="${Math.abs(value - start)}%"
      y="3"
      height="12"
      rx="2"
    />
    ${
      isInterval(bar) &&
      html`<line
        class="bars-interval"
        x1="${scale.at(bar.low ?? 0)}%"
        x2="${scale.at(bar.high ?? 0)}%"
        y1="9"
        y2="9"
      />`
    }
    ${reference && line(scale.at(reference.value), "bars-reference")}
  </svg>`;
}

/** @param {Bar} bar */
function isInterval(bar) {
  return typeof bar.low === "number" && typeof bar.high === "number" && bar.low < bar.high;
}

/** @param {Bar} bar @param {string} unit */
function valueText(bar, unit) {
  const ends = isInterval(bar) ? ` (${number(bar.low)} to ${number(bar.high)})` : "";
  return `${number(bar.value)}${bar.value === null ? "" : unit}${ends}`;
}
