/** The numbers of a chart: as a table for who does not see it, and as CSV. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { nearest } from "./series.js";

/** @typedef {import("./scene.js").Line} Line */

const PLACES = 20;

/**
 * Each curve's extremes, the values of all at up to twenty places of x, and what happened where.
 *
 * @param {{title: string, xTitle: string, lines: Line[], marks: import("./scene.js").Mark[]}} props
 */
export function Numbers({ title, xTitle, lines, marks }) {
  const places = evenly(longest(lines), PLACES);
  return html`<div
    class="chart-numbers"
    tabindex="0"
    role="region"
    aria-label="Numbers of ${title}"
  >
    <table>
      <caption>
        ${title}: each curve
      </caption>
      <thead>
        <tr>
          ${["curve", "points", "first", "last", "least", `at ${xTitle}`, "most", `at ${xTitle}`].map(header)}
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          (line) =>
            html`<tr key=${line.label}>
              <th scope="row">${line.label}</th>
              ${summary(line).map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
    <table>
      <caption>
        ${title} by ${xTitle}
      </caption>
      <thead>
        <tr>
          ${[xTitle, ...lines.map((line) => line.label)].map(header)}
        </tr>
      </thead>
      <tbody>
        ${places.map(
          (x) =>
            html`<tr key=${x}>
              <th scope="row">${number(x)}</th>
              ${lines.map((line) => cell(read(line, x)))}
            </tr>`,
        )}
      </tbody>
    </table>
    ${
      marks.length > 0 &&
      html`<ul aria-label="What happened">
        ${marks.map((mark) => html`<li key=${`${mark.x} ${mark.text}`}>${xTitle} ${number(mark.x)}: ${mark.text}</li>`)}
      </ul>`
    }
  </div>`;
}

/** @param {string} text */
const header = (text) => html`<th scope="col">${text}</th>`;

/** @param {number | null} value */
const cell = (value) => html`<td>${number(value)}</td>`;

/** @param {Line} line @param {number} x */
function read(line, x) {
  const index = nearest(line.x, x);
  return index === null ? null : line.y[index];
}

/** Count, first, last, least and where, most and where. @param {Line} line @returns {(number | null)[]} */
function summary(line) {
  const points = /** @type {[number, number][]} */ (
    line.x.map((x, i) => [x, line.y[i]]).filter(([, y]) => y !== null)
  );
  if (!points.length) return [0, null, null, null, null, null, null];
  const least = points.reduce((best, point) => (point[1] < best[1] ? point : best));
  const most = points.reduce((best, point) => (point[1] > best[1] ? point : best));
  return [
    points.length,
    points[0][1],
    points[points.length - 1][1],
    least[1],
    least[0],
    most[1],
    most[0],
  ];
}

/** x of the line that has the most points. @param {Line[]} lines @returns {number[]} */
function longest(lines) {
  return lines.reduce(
    (best, line) => (line.x.length > best.length ? line.x : best),
    /** @type {number[]} */ ([]),
  );
}

/** At most so many values of a column, its ends among them. @param {number[]} xs @param {number} most */
function evenly(xs, most) {
  if (xs.length <= most) return xs;
  return Array.from({ length: most }, (_, i) => xs[Math.round((i * (xs.length - 1)) / (most - 1))]);
}

/**
 * All points of all lines, as columns and rows of a CSV file.
 *
 * @param {string} xTitle
 * @param {string} yTitle
 * @param {Line[]} lines
 */
export function pointTable(xTitle, yTitle, lines) {
  const rows = lines.flatMap((line) => line.x.map((_, i) => ({ line, i })));
  /** @typedef {typeof rows[number]} Row */
  const columns = [
    { key: "curve", value: (/** @type {Row} */ { line }) => line.label },
    { key: xTitle, value: (/** @type {Row} */ { line, i }) => line.x[i] },
    { key: yTitle, value: (/** @type {Row} */ { line, i }) => line.y[i] },
    { key: "low", value: (/** @type {Row} */ { line, i }) => line.low?.[i] ?? null },
    { key: "high", value: (/** @type {Row} */ { line, i }) => line.high?.[i] ?? null },
  ];
  return { columns, rows };
}
