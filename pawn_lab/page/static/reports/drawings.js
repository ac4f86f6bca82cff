/** How the tables of evaluations are drawn: by the first entry that knows a table's columns. */

import { Bars } from "../charts/bars.js";
import { Heat } from "../charts/heat.js";
import { Scatter } from "../charts/scatter.js";
import { TimeSeries } from "../charts/timeseries.js";
import { html, useMemo } from "../preact.js";

/**
 * @typedef {import("./report.js").ReportTable} ReportTable
 * @typedef {{knows: (table: ReportTable) => boolean, Drawing: (props: {table: ReportTable}) => any}} Entry
 */

const PLIES = ["ply", "first_ply", "from_ply"];
const FEWEST_PLIES = 3;

/** @type {Entry[]} */
const DRAWINGS = [
  { knows: (table) => has(table, "figure", "network", "layer", "value"), Drawing: Layers },
  { knows: (table) => has(table, "mean_value", "mean_label"), Drawing: Calibration },
  { knows: isByPly, Drawing: ByPly },
  { knows: (table) => isNamed(table) && withIntervals(table).length > 0, Drawing: Categories },
];

/** @param {ReportTable} table */
export function drawingOf(table) {
  return DRAWINGS.find(({ knows }) => knows(table))?.Drawing;
}

/** @param {ReportTable} table @param {string[]} names */
function has(table, ...names) {
  return names.every((name) => table.columns.includes(name));
}

/** @param {ReportTable} table @param {string} name */
function column(table, name) {
  const place = table.columns.indexOf(name);
  return table.rows.map((row) => row[place]);
}

/** The columns of which the ends of their intervals are there too. @param {ReportTable} table */
function withIntervals(table) {
  return table.columns.filter((name) => has(table, `${name}_low`, `${name}_high`));
}

/** @param {ReportTable} table */
function titleOf({ name }) {
  return name.replaceAll("_", " ");
}

/** Probes by layer, beside those of the untrained network. @param {{table: ReportTable}} props */
function Layers({ table }) {
  const [figures, networks, depths, readings] = ["figure", "network", "layer", "value"].map(
    (name) => column(table, name),
  );
  const names = figures.map((figure, i) =>
    networks[i] === "model" ? figure : `${figure} (${networks[i]})`,
  );
  const layers = [...new Set(depths)];
  const byPlace = new Map(readings.map((value, i) => [`${names[i]}\n${depths[i]}`, value]));
  const rows = [...new Set(names)].map((name) => ({
    name,
    values: layers.map((layer) => byPlace.get(`${name}\n${layer}`) ?? null),
  }));
  const shares = rows.filter(({ name, values }) => !isError(name) && values.every(isAtMostOne));
  return html`<${Heat}
    title=${`${titleOf(table)}: from no colour at 0 to full colour at 1`}
    rows=${shares.map(({ name }) => name)}
    columns=${layers}
    values=${shares.map(({ values }) => values)}
    low=${0}
    high=${1}
  />`;
}

/** Whether a figure has no best value of 1. @param {string} name */
function isError(name) {
  return /_mae\b/.test(name);
}

/** @param {number | null} value */
function isAtMostOne(value) {
  return value === null || value <= 1;
}

/** What a model expects against what came. @param {{table: ReportTable}} props */
function Calibration({ table }) {
  const [expected, came] = [column(table, "mean_value"), column(table, "mean_label")];
  const positions = column(table, "positions");
  const points = expected.map((x, i) => ({ x, y: came[i], label: `${positions[i]} positions` }));
  return html`<${Scatter}
    title=${titleOf(table)}
    xTitle="expected value, mean"
    yTitle="label, mean"
    points=${points.filter(({ x, y }) => x !== null && y !== null)}
  />`;
}

/** @param {ReportTable} table */
function isByPly(table) {
  const plies = PLIES.includes(table.columns[0]) && table.rows.length >= FEWEST_PLIES;
  return plies && shares(table).length > 0;
}

/** Shares by ply, with their intervals where there are. @param {{table: ReportTable}} props */
function ByPly({ table }) {
  const { curves, groups } = useMemo(() => linesOf(table), [table]);
  return html`<${TimeSeries}
    title=${titleOf(table)}
    xTitle="ply"
    curves=${curves}
    groups=${groups}
  />`;
}

/** @param {ReportTable} table */
function linesOf(table) {
  const x = table.rows.map((row) => row[0]);
  const withEnds = withIntervals(table);
  const [banded, plain] = [true, false].map((has) =>
    shares(table).filter((name) => withEnds.includes(name) === has),
  );
  const ends = (/** @type {string} */ name) => ({
    low: column(table, `${name}_low`),
    high: column(table, `${name}_high`),
  });
  return {
    curves: plain.map((name) => ({ label: name, x, y: column(table, name) })),
    groups: banded.map((name) => ({ label: name, x, mean: column(table, name), ...ends(name) })),
  };
}

/** The columns of shares, without the ends of their intervals. @param {ReportTable} table */
function shares(table) {
  const isShare = (/** @type {any} */ value) =>
    value === null || (typeof value === "number" && value >= 0 && value <= 1);
  return table.columns.slice(1).filter((name) => {
    const values = column(table, name);
    const counted = /_(low|high|ply)$/.test(name) || values.every((value) => value === null);
    return !counted && values.every(isShare);
  });
}

/** Whether each row has a name of its own. @param {ReportTable} table */
function isNamed({ rows }) {
  const names = rows.map((row) => row[0]);
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

/** Each number with an interval, by the names of the rows. @param {{table: ReportTable}} props */
function Categories({ table }) {
  const bars = (/** @type {string} */ name) => {
    const [values, low, high] = ["", "_low", "_high"].map((end) => column(table, name + end));
    return table.rows.map((row, i) => ({
      label: row[0],
      value: values[i],
      low: low[i],
      high: high[i],
    }));
  };
  return html`<div class="report-bars">
    ${withIntervals(table).map(
      (name) =>
        html`<div class="table-scroll" key=${name}>
          <${Bars} title=${`${titleOf(table)}: ${name}`} bars=${bars(name)} />
        </div>`,
    )}
  </div>`;
}
