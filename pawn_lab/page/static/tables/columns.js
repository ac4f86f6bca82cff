/** The columns of the table of trials: what each shows, sorts and filters by. */

import { count, duration, money, number, percent, when } from "../format.js";

/**
 * @typedef {{metric: string, better: "low" | "high", unit: string, defaults: Record<string, any>}} Kind
 * @typedef {Record<string, any>} Row A model of a trial, by the column names of the view `trials`.
 *
 * @typedef {object} Column
 * @property {string} key As the filter and the address name it.
 * @property {string} title
 * @property {(row: Row) => any} value What it sorts by; what is missing sorts last.
 * @property {(row: Row) => string} text
 * @property {(row: Row) => any} [cell]
 * @property {boolean} [numeric]
 * @property {number} [widest] Characters.
 * @property {boolean} [setting] Whether it is a field of the config.
 */

/** @type {[key: string, title: string, format: (value: any) => string, numeric?: boolean][]} */
const FIXED = [
  ["id", "trial", String, true],
  ["variant", "variant", String],
  ["run_type", "run type", String],
  ["state", "state", String],
  ["progress", "progress", percent, true],
  ["step", "step", number, true],
  ["eta_s", "left", duration, true],
  ["metric", "metric", String],
  ["best", "best", number, true],
  ["best_step", "best at", count, true],
  ["last", "last", number, true],
  ["last_step", "last at", count, true],
  ["cost", "cost", (cost) => (cost ? money(cost) : ""), true],
  ["tags", "tags", String],
  ["sweep", "sweep", String, true],
  ["parent", "parent", String, true],
  ["created_at", "created", when, true],
  ["started_at", "started", when, true],
  ["ended_at", "ended", when, true],
  ["hypothesis", "hypothesis", String],
];

/** Shown unless the address hides them; of the other columns only those asked for. */
export const USUAL = [
  "id",
  "variant",
  "state",
  "progress",
  "best",
  "best_step",
  "last",
  "cost",
  "tags",
];

/** At most so many of the settings that differ are shown unasked. */
const MOST_DIFFERING = 10;

/** Run folders are known by their paths, which are their tags. @param {Column[]} columns */
export function tagsFirst(columns) {
  const place = (/** @type {Column} */ { key }) => ["id", "tags"].indexOf(key) + 1 || 3;
  return [...columns].sort((a, b) => place(a) - place(b));
}

/** Rows by what the view sent of them: a row that has not changed keeps its texts. @type {WeakMap<any[], Row>} */
const known = new WeakMap();

/**
 * The rows of the view `trials` as objects, settings at their defaults filled in.
 *
 * @param {{columns: string[], rows: any[][], kinds: Record<string, Kind>}} answer
 * @returns {Row[]}
 */
export function rowsOf({ columns, rows, kinds }) {
  const runType = columns.indexOf("run_type");
  return rows.map((values) => {
    const kind = kinds[values[runType]];
    const last = known.get(values);
    if (last && isWithin(kind.defaults, last.settings)) return last;
    const row = rowOf(Object.fromEntries(columns.map((name, n) => [name, values[n]])), kind);
    known.set(values, row);
    return row;
  });
}

/** @param {Record<string, any>} fields @param {Record<string, any>} whole */
function isWithin(fields, whole) {
  return Object.keys(fields).every((name) => name in whole);
}

/** @param {Record<string, any>} sent @param {Kind} kind @returns {Row} */
function rowOf(sent, { metric, defaults }) {
  return {
    ...sent,
    key: `${sent.id} ${sent.variant}`,
    tags: sent.tags.join(" "),
    tagged: sent.tags,
    metric,
    own: sent.settings,
    settings: { ...defaults, ...sent.settings },
    progress: sent.target ? Math.min(1, (sent.step || 0) / sent.target) : null,
    texts: {},
  };
}

/**
 * All columns that rows can show: what every trial has, and the fields of their configs.
 *
 * @param {Row[]} rows
 * @param {Record<string, Kind>} kinds
 * @returns {Column[]}
 */
export function columnsOf(rows, kinds) {
  const metrics = new Set(Object.values(kinds).map((kind) => kind.metric));
  const [metric] = metrics.size === 1 ? metrics : [""];
  const names = new Set(rows.flatMap((row) => Object.keys(row.settings)));
  const fixed = FIXED.map((each) => fixedColumn(each, metric));
  const results = fixed.findIndex(({ key }) => key === "cost");
  return [...fixed.slice(0, results), ...[...names].map(settingColumn), ...fixed.slice(results)];
}

/** @param {typeof FIXED[number]} fixed @param {string} metric Of all rows; empty where they have several. */
function fixedColumn([key, title, format, numeric], metric) {
  return {
    key,
    title: key === "best" || key === "last" ? `${title} ${metric}`.trim() : title,
    value: (/** @type {Row} */ row) => row[key],
    text: (/** @type {Row} */ row) => (row.texts[key] ??= shown(row[key], format)),
    numeric,
  };
}

/** @param {string} name @returns {Column} */
function settingColumn(name) {
  const key = FIXED.some(([own]) => own === name) ? `config.${name}` : name;
  return {
    key,
    title: name,
    value: (row) => scalar(row.settings[name]),
    text: (row) => (row.texts[key] ??= shown(row.settings[name], settingText)),
    numeric: true,
    setting: true,
  };
}

/** @param {any} value @param {(value: any) => string} format */
function shown(value, format) {
  return value === null || value === undefined ? "" : format(value);
}

/** A setting as configs write it; of a number six digits, as many as a page has room for. @param {unknown} value */
export function settingText(value) {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** @param {unknown} value */
function scalar(value) {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/**
 * The keys of the settings in which rows of one run type differ.
 *
 * @param {Row[]} rows
 * @param {Column[]} columns
 */
export function differing(rows, columns) {
  const types = byRunType(rows);
  const differs = (/** @type {Column} */ { text }) =>
    types.some((alike) => new Set(alike.map(text)).size > 1);
  return columns.filter((column) => column.setting && differs(column)).map(({ key }) => key);
}

/** @param {Row[]} rows @returns {Row[][]} */
function byRunType(rows) {
  const types = [...new Set(rows.map((row) => row.run_type))];
  return types.map((type) => rows.filter((row) => row.run_type === type));
}

/**
 * The columns that are shown unasked: the usual ones that hold anything, and settings that differ.
 *
 * @param {Row[]} rows
 * @param {Column[]} columns
 */
export function unasked(rows, columns) {
  const several = ["run_type", "metric"].filter(
    (key) => new Set(rows.map((row) => row[key])).size > 1,
  );
  const usual = columns.filter(
    ({ key, text }) => (USUAL.includes(key) && rows.some(text)) || several.includes(key),
  );
  return new Set([
    ...usual.map(({ key }) => key),
    ...differing(rows, columns).slice(0, MOST_DIFFERING),
  ]);
}
