/** A tool's answer as it is: its fields, and its lists of rows as tables. */

import { html } from "../preact.js";
import { rowsOfTable } from "../tables/tool.js";
import { Json } from "./json.js";
import { Table } from "./table.js";

/** @param {{answer: Record<string, any>, without?: string[]}} props without: fields left out. */
export function Answer({ answer, without = [] }) {
  const shown = Object.entries(answer).filter(([name]) => !without.includes(name));
  const plain = shown.filter(([, value]) => isPlain(value));
  const others = shown.filter(([, value]) => !isPlain(value));
  return html`
    <dl class="facts">
      ${plain.map(
        ([name, value]) =>
          html`<dt>${words(name)}</dt>
            <dd>${inWords(value)}</dd>`,
      )}
    </dl>
    ${others.map(([name, value]) => html`<${Part} name=${name} value=${value} />`)}
  `;
}

/** @param {{name: string, value: any}} props */
function Part({ name, value }) {
  const rows = Array.isArray(value) ? value : value.columns ? rowsOfTable(value) : [];
  if (!rows.length) return html`<${Json} value=${value} label=${words(name)} />`;
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((key) => ({ key, title: words(key) }));
  return html`<h3>${words(name)}</h3>
    <${Table} columns=${columns} rows=${rows} caption=${words(name)} />`;
}

/** @param {any} value */
function isPlain(value) {
  if (Array.isArray(value))
    return value.length > 0 && value.every((item) => typeof item !== "object");
  return value === null || typeof value !== "object";
}

/** @param {any} value */
function inWords(value) {
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

/** A field's name as words. @param {string} name */
export function words(name) {
  return name.replaceAll("_", " ");
}
