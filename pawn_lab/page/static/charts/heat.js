/** A table whose cells are coloured by their values. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { Extent } from "./series.js";

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string[]} props.rows
 * @param {string[]} props.columns
 * @param {(number | null)[][]} props.values By row, then by column.
 * @param {number} [props.low] Value without colour; the least one if left out.
 * @param {number} [props.high] Value of full colour; the greatest one if left out.
 * @param {(value: number | null) => string} [props.format]
 */
export function Heat({ title, rows, columns, values, low, high, format = number }) {
  const extent = new Extent();
  for (const row of values) extent.addAll(row);
  const [least, most] = extent.range(false, 0);
  const [from, to] = [low ?? least, high ?? most];
  const share = (/** @type {number} */ value) =>
    Math.round(100 * Math.min(1, Math.max(0, (value - from) / (to - from))));
  return html`<div class="table-scroll">
    <table class="heat">
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          <td></td>
          ${columns.map((column) => html`<th key=${column} scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row, i) =>
            html`<tr key=${row}>
              <th scope="row">${row}</th>
              ${columns.map((_, j) => cell(values[i][j], share, format))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @param {number | null} value @param {(value: number) => number} share @param {(value: number | null) => string} format */
function cell(value, share, format) {
  if (value === null) return html`<td class="quiet">${format(value)}</td>`;
  return html`<td style="--share: ${share(value)}%">${format(value)}</td>`;
}
