/** What an evaluation found: figures with their intervals and what they mean, drawings, tables. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { Table } from "../widgets/table.js";
import { drawingOf } from "./drawings.js";
import { Interval } from "./interval.js";

/**
 * @typedef {{name: string, value: number | null, low: number | null, high: number | null, n: number,
 *   definition: string}} Figure
 * @typedef {{name: string, columns: string[], rows: any[][]}} ReportTable
 * @typedef {{name: string, definition: string, figures: Figure[], tables: ReportTable[],
 *   facts: Record<string, any>}} Report
 */

/** @param {{report: Report, title?: string}} props */
export function EvaluationReport({ report, title }) {
  return html`<article class="evaluation">
    <h3>${title ?? report.name}</h3>
    <${Findings} report=${report} />
  </article>`;
}

/** A report of which only the headline is seen until it is opened. @param {{report: Report}} props */
export function FoldedReport({ report }) {
  const [first] = report.figures;
  return html`<details class="evaluation">
    <summary>
      <strong>${report.name}</strong>
      ${first && html`<span class="quiet">${` ${first.name} `}</span>${`${number(first.value)} `}${endsOf(first)}`}
    </summary>
    <${Findings} report=${report} />
  </details>`;
}

/** @param {Figure} figure */
function endsOf({ low, high }) {
  return low === null || high === null ? "" : `(${number(low)} to ${number(high)})`;
}

/** @param {{report: Report}} props */
function Findings({ report }) {
  const drawn = report.tables.filter(drawingOf);
  return html`
    <p class="small quiet">${report.definition}</p>
    <${Figures} report=${report} />
    ${drawn.map((table) => html`<${Drawn} key=${table.name} table=${table} />`)}
    ${report.tables.map((table) => html`<${Whole} key=${table.name} table=${table} />`)}
    <${Facts} facts=${report.facts} />
  `;
}

/** @param {{report: Report}} props */
function Figures({ report }) {
  const columns = [
    {
      key: "name",
      title: "Figure",
      cell: (/** @type {Figure} */ row) => html`<span title=${row.definition}>${row.name}</span>`,
    },
    { key: "value", title: "Value", numeric: true },
    {
      key: "interval",
      title: "95 % interval",
      value: (/** @type {Figure} */ row) => row.low,
      cell: intervalOf,
    },
    {
      key: "n",
      title: "n",
      numeric: true,
      cell: (/** @type {Figure} */ row) => row.n.toLocaleString("en"),
    },
    {
      key: "definition",
      title: "What it is",
      cell: (/** @type {Figure} */ row) => html`<span class="definition">${row.definition}</span>`,
    },
  ];
  return html`<${Table}
    columns=${columns}
    rows=${report.figures}
    caption="Figures of ${report.name}"
  />`;
}

/** @param {Figure} row */
function intervalOf({ value, low, high }) {
  if (low === null || high === null) return "";
  return html`<span class="row">
    <${Interval} value=${value} low=${low} high=${high} />
    <span class="numeric">${number(low)} to ${number(high)}</span>
  </span>`;
}

/** @param {{table: ReportTable}} props */
function Drawn({ table }) {
  const Drawing = drawingOf(table);
  return html`<${Drawing} table=${table} />`;
}

/** @param {{table: ReportTable}} props */
function Whole({ table }) {
  const columns = table.columns.map((title, i) => ({
    key: String(i),
    title,
    value: (/** @type {any[]} */ row) => row[i],
    numeric: table.rows.some((row) => typeof row[i] === "number"),
  }));
  return html`<details>
    <summary>${table.name} · ${table.rows.length} rows</summary>
    <${Table} columns=${columns} rows=${table.rows} caption=${table.name} />
  </details>`;
}

/** What it was measured on. @param {{facts: Record<string, any>}} props */
function Facts({ facts }) {
  const entries = Object.entries(facts).filter(([, value]) => value !== null);
  if (!entries.length) return null;
  return html`<details>
    <summary>Measured on</summary>
    <dl class="facts small">
      ${entries.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${typeof value === "object" ? JSON.stringify(value) : String(value)}</dd>`,
      )}
    </dl>
  </details>`;
}
