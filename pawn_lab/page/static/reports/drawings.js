/** How the tables of evaluations are drawn: the first entry that knows a table's columns. */

import { Heat } from "../charts/heat.js";
import { TimeSeries } from "../charts/timeseries.js";
import { html, useMemo } from "../preact.js";

/**
 * @typedef {import("./report.js").ReportTable} ReportTable
 * @typedef {{knows: (table: ReportTable) => boolean, Drawing: (props: {table: ReportTable}) => any}} Entry
 */

const PLIES = ["ply", "first_ply", "from_ply"];

/** @type {Entry[]} */
const DRAWINGS = [
  {
    knows: ({ columns }) =>
      ["figure", "network", "layer", "value"].every((name) => columns.includes(name)),
    Drawing: Layers,
  },
  {
    knows: (table) =>
      PLIES.includes(table.columns[0]) && table.rows.length > 2 && shares(table).length > 0,
    Drawing: ByPly,
  },
];

/** @param {ReportTable} table */
export function drawingOf(table) {
  return DRAWINGS.find(({ knows }) => knows(table))?.Drawing;
}

/** Probes by layer, beside those of the untrained network. @param {{table: ReportTable}} props */
function Layers({ table }) {
  const at = Object.fromEntries(table.columns.map((name, i) => [name, i]));
  const layers = [...new Set(table.rows.map((row) => row[at.layer]))];
  const names = [...new Set(table.rows.map((row) => rowName(row, at)))];
  const found = new Map(
    table.rows.map((row) => [`${rowName(row, at)}\n${row[at.layer]}`, row[at.value]]),
  );
  const values = names.map((name) => layers.map((layer) => found.get(`${name}\n${layer}`) ?? null));
  const shares = names
    .map((_, i) => i)
    .filter((i) => values[i].every((value) => value === null || (value >= -1 && value <= 1)));
  return html`<${Heat}
    title="${table.name.replaceAll("_", " ")}: value by layer, full colour at 1"
    rows=${shares.map((i) => names[i])}
    columns=${layers}
    values=${shares.map((i) => values[i])}
    low=${0}
    high=${1}
  />`;
}

/** @param {any[]} row @param {Record<string, number>} at */
function rowName(row, at) {
  return row[at.network] === "model" ? row[at.figure] : `${row[at.figure]} (${row[at.network]})`;
}

/** Shares by ply, with their intervals where there are. @param {{table: ReportTable}} props */
function ByPly({ table }) {
  const { curves, groups } = useMemo(() => linesOf(table), [table]);
  return html`<${TimeSeries}
    title=${table.name.replaceAll("_", " ")}
    xTitle="ply"
    curves=${curves}
    groups=${groups}
  />`;
}

/** @param {ReportTable} table */
function linesOf(table) {
  const x = table.rows.map((row) => row[0]);
  const column = (/** @type {string} */ name) =>
    table.rows.map((row) => row[table.columns.indexOf(name)]);
  const isBand = (/** @type {string} */ name) =>
    table.columns.includes(`${name}_low`) && table.columns.includes(`${name}_high`);
  const names = shares(table);
  const plain = names.filter((name) => !isBand(name));
  return {
    curves: plain.map((name) => ({ label: name, x, y: column(name) })),
    groups: names.filter(isBand).map((name) => ({
      label: name,
      x,
      mean: column(name),
      low: column(`${name}_low`),
      high: column(`${name}_high`),
    })),
  };
}

/** The columns of shares, without the ends of their intervals. @param {ReportTable} table */
function shares(table) {
  return table.columns.filter((name, i) => {
    const values = table.rows.map((row) => row[i]).filter((value) => value !== null);
    const isShare =
      values.length > 0 &&
      values.every((value) => typeof value === "number" && value >= 0 && value <= 1);
    return i > 0 && isShare && !/_(low|high|ply)$/.test(name);
  });
}
