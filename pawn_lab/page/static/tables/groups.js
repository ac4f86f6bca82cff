/** Trials grouped: a row for each group, with the mean and the spread over its members. */

import { money, number } from "../format.js";
import { differing } from "./columns.js";

/**
 * @typedef {import("./columns.js").Row} Row
 * @typedef {import("./columns.js").Column} Column
 *
 * @typedef {object} Group A row that stands for its members.
 * @property {true} head
 * @property {string} key
 * @property {string} label
 * @property {Row[]} members
 */

/** What rows are grouped by, beside the columns: the lab's own groups, settings without seeds. */
export const BY_SETTING = "setting";

/** Columns of which a group shows the mean over its members. */
const AVERAGED = ["best", "last"];

/**
 * Rows by group, in the order in which their first members come.
 *
 * @param {Row[]} rows
 * @param {Column | undefined} column Without one, by the lab's own groups.
 * @param {Column[]} columns By those in which groups differ, the lab's own groups are named.
 * @returns {Group[]}
 */
export function grouped(rows, column, columns) {
  const members = /** @type {Map<unknown, Row[]>} */ (new Map());
  for (const row of rows) {
    const key = column ? column.text(row) : row.group;
    const group = members.get(key);
    if (group) group.push(row);
    else members.set(key, [row]);
  }
  const groups = [...members.values()];
  const name = column
    ? (/** @type {Row} */ row) => column.text(row) || "none"
    : settingName(groups, columns);
  return [...members].map(([key, own]) => ({
    head: true,
    key: `group ${key}`,
    label: name(own[0]),
    members: own,
  }));
}

/**
 * Names a group by the settings beyond defaults in which groups differ and their members do not.
 *
 * @param {Row[][]} groups
 * @param {Column[]} columns
 */
function settingName(groups, columns) {
  const differs = new Set(differing(groups.flat(), columns));
  const isOne = (/** @type {Column} */ { text }, /** @type {Row[]} */ rows) =>
    new Set(rows.map(text)).size === 1;
  const naming = columns.filter(
    (column) => differs.has(column.key) && groups.every((members) => isOne(column, members)),
  );
  return (/** @type {Row} */ row) => {
    const held = naming.filter(({ title }) => title in row.own);
    return (
      held.map(({ title, text }) => `${title}=${text(row)}`).join(" ") ||
      `defaults, as trial ${row.id}`
    );
  };
}

/**
 * A column that shows groups too.
 *
 * @param {Column} column
 * @returns {Column}
 */
export function ofGroups(column) {
  const { text, value, cell } = column;
  const own = (/** @type {Row} */ row) => !row.head;
  return {
    ...column,
    text: (row) => (own(row) ? text(row) : groupText(column, row.members)),
    value: (row) => (own(row) ? value(row) : groupValue(column, row.members)),
    cell: cell && ((row) => (own(row) ? cell(row) : groupText(column, row.members))),
  };
}

/** @param {Column} column @param {Row[]} members */
function groupText(column, members) {
  if (column.key === "id") return members.length === 1 ? "1 trial" : `${members.length} trials`;
  if (column.key === "cost") return money(sum(members.map((row) => row.cost || 0)));
  if (AVERAGED.includes(column.key))
    return spreadText(spread(members.map((row) => row[column.key])));
  const texts = new Set(members.map(column.text));
  return texts.size === 1 ? [...texts][0] : `${texts.size} values`;
}

/** @param {Column} column @param {Row[]} members */
function groupValue(column, members) {
  if (column.key === "id") return members.length;
  if (column.key === "cost") return sum(members.map((row) => row.cost || 0));
  if (AVERAGED.includes(column.key)) return spread(members.map((row) => row[column.key])).mean;
  return column.value(members[0]);
}

/**
 * Mean and sample standard deviation of the numbers among values; null where there are too few.
 *
 * @param {(number | null | undefined)[]} values
 * @returns {{n: number, mean: number | null, sd: number | null}}
 */
export function spread(values) {
  const numbers = /** @type {number[]} */ (values.filter((value) => typeof value === "number"));
  const n = numbers.length;
  if (n === 0) return { n, mean: null, sd: null };
  const mean = sum(numbers) / n;
  const squares = sum(numbers.map((value) => (value - mean) ** 2));
  return { n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null };
}

/** @param {ReturnType<typeof spread>} spread */
function spreadText({ mean, sd }) {
  if (mean === null) return "";
  return sd === null ? number(mean) : `${number(mean)} ± ${Number(sd.toPrecision(2))}`;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, value) => total + value, 0);
}
