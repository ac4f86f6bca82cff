/** The filter of a table: words that a row holds, and conditions on its columns: `lr<0.001 muon`. */

/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./columns.js").Row} Row */
/** @typedef {(row: Row) => boolean} Predicate */

const UNFINISHED = /^[\w.]+(<=|>=|!=|<|>|=|:)$/;
const TERM = /(-?)(?:([\w.]+)\s*(<=|>=|!=|<|>|=|:)\s*("[^"]*"|\S+)|("[^"]*"|\S+))/g;

/** @type {Record<string, (a: any, b: any) => boolean>} */
const COMPARE = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

/**
 * Read a filter. All its terms must hold; `-` before one means that it must not.
 *
 * A column is named by its key, `:` means that its text contains the value. `none` is no value. A
 * condition that is still being written holds.
 *
 * @param {string} text
 * @param {Column[]} columns
 * @returns {{ holds: Predicate, problem: string | null }} problem: a column that does not exist
 */
export function parseFilter(text, columns) {
  const byKey = new Map(columns.map((column) => [column.key, column]));
  const terms = [...text.matchAll(TERM)];
  const unknown = terms.find((term) => term[2] && !byKey.has(term[2]));
  if (unknown) {
    const named = [...byKey.keys()].join(", ");
    return { holds: () => true, problem: `no column '${unknown[2]}'; one of: ${named}` };
  }
  const tests = terms.map((term) => negated(term[1] === "-", test(term, byKey, columns)));
  return { holds: (row) => tests.every((holds) => holds(row)), problem: null };
}

/**
 * @param {boolean} not
 * @param {Predicate} holds
 * @returns {Predicate}
 */
function negated(not, holds) {
  return not ? (row) => !holds(row) : holds;
}

/**
 * @param {RegExpMatchArray} term
 * @param {Map<string, Column>} byKey
 * @param {Column[]} columns
 * @returns {Predicate}
 */
function test(term, byKey, columns) {
  const column = byKey.get(term[2]);
  if (column) return onColumn(column, term[3], bare(term[4]));
  return UNFINISHED.test(term[5]) ? () => true : anywhere(columns, bare(term[5]));
}

/** @param {string} value */
function bare(value) {
  return value.replace(/^"(.*)"$/, "$1").toLowerCase();
}

/**
 * @param {Column[]} columns
 * @param {string} word
 * @returns {Predicate}
 */
function anywhere(columns, word) {
  return (row) => columns.some((column) => column.text(row).toLowerCase().includes(word));
}

/**
 * @param {Column} column
 * @param {string} operator
 * @param {string} value
 * @returns {Predicate}
 */
function onColumn(column, operator, value) {
  if (operator === ":") return (row) => column.text(row).toLowerCase().includes(value);
  const number = Number(value);
  const compare = COMPARE[operator];
  return (row) => {
    const own = column.value(row);
    if (own === null || own === undefined) return compare("none", value) && isEquality(operator);
    if (typeof own === "number" && !Number.isNaN(number)) return compare(own, number);
    return isEquality(operator) && compare(String(own).toLowerCase(), value);
  };
}

/** @param {string} operator */
function isEquality(operator) {
  return operator === "=" || operator === "!=";
}
