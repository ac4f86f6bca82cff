/** Tables as comma-separated values, to be kept or opened elsewhere. */

/** @typedef {{key: string, value: (row: any) => unknown}} Column */

/**
 * Return rows as CSV (RFC 4180) with a line of column names; numbers are whole, not as shown.
 *
 * @param {Column[]} columns
 * @param {any[]} rows
 */
export function csv(columns, rows) {
  const lines = [
    columns.map(({ key }) => key),
    ...rows.map((row) => columns.map((c) => c.value(row))),
  ];
  return lines.map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

/** @param {any} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  return quoted(harmless(String(value)));
}

/**
 * Text that a spreadsheet would take for a formula is made text by an apostrophe.
 *
 * @param {string} text
 */
function harmless(text) {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** @param {string} text */
function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const KEPT_MS = 10_000; // some browsers read what they save after the click has returned

/**
 * Let the browser save something as a file.
 *
 * @param {string} name
 * @param {string | Blob} content
 * @param {string} [type]
 */
export function save(name, content, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
