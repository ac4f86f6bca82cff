/** Tables, sorted by a click or a key. */

import { number } from "../format.js";
import { html, useState } from "../preact.js";

/**
 * @typedef {object} Column
 * @property {string} key Unique; what `sort` names.
 * @property {string} title
 * @property {(row: any) => unknown} [value] What is sorted by; `row[key]` without it.
 * @property {(row: any) => any} [cell] What is shown; the value as text without it.
 * @property {boolean} [numeric] Set to the right.
 * @property {string} [help] Shown over the title.
 */

/** @param {Column} column @param {any} row */
export function valueOf(column, row) {
  return column.value ? column.value(row) : row[column.key];
}

/**
 * Rows in the order of a column: numbers by size, text by its letters, what is missing last.
 *
 * @template T
 * @param {T[]} rows
 * @param {Column | undefined} column
 * @param {boolean} descending
 * @returns {T[]}
 */
export function sorted(rows, column, descending) {
  if (!column) return rows;
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => compared(valueOf(column, a), valueOf(column, b), sign));
}

/** @param {unknown} a @param {unknown} b @param {number} sign */
function compared(a, b, sign) {
  const missing = Number(isMissing(a)) - Number(isMissing(b));
  if (missing || isMissing(a)) return missing;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}

/** @param {unknown} value */
function isMissing(value) {
  return value === null || value === undefined || value === "";
}

/**
 * The title of a column, which sorts by it.
 *
 * @param {{column: Column, sort: string, onSort: (sort: string) => void}} props sort: a column's
 *   key, after "-" descending.
 */
export function SortedHead({ column, sort, onSort }) {
  const up = sort === column.key;
  const down = sort === `-${column.key}`;
  return html`<th
    scope="col"
    class=${column.numeric ? "numeric" : ""}
    aria-sort=${up ? "ascending" : down ? "descending" : "none"}
  >
    <button title=${column.help} onClick=${() => onSort(up ? `-${column.key}` : column.key)}>
      ${column.title}<span aria-hidden="true">${up ? " ▲" : down ? " ▼" : ""}</span>
    </button>
  </th>`;
}

/**
 * A table of all its rows. Where `onSort` is given the order is its owner's, else the table's own.
 *
 * @param {{columns: Column[], rows: any[], caption: string, sort?: string,
 *   onSort?: (sort: string) => void}} props caption: for screen readers.
 */
export function Table({ columns, rows, caption, sort, onSort }) {
  const [own, setOwn] = useState("");
  const order = onSort ? (sort ?? "") : own;
  const column = columns.find(({ key }) => key === order.replace(/^-/, ""));
  const shown = sorted(rows, column, order.startsWith("-"));
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(
            (each) =>
              html`<${SortedHead} column=${each} sort=${order} onSort=${onSort ?? setOwn} />`,
          )}
        </tr>
      </thead>
      <tbody>
        ${shown.map((row) => html`<${Row} columns=${columns} row=${row} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {{columns: Column[], row: any}} props */
export function Row({ columns, row }) {
  return html`<tr>
    ${columns.map(
      (column) =>
        html`<td class=${column.numeric ? "numeric" : ""}>
          ${column.cell ? column.cell(row) : shownText(valueOf(column, row))}
        </td>`,
    )}
  </tr>`;
}

/** @param {unknown} value */
function shownText(value) {
  if (isMissing(value)) return "";
  if (typeof value === "number") return number(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
