/** The Markdown that agents write in notes: tables, lists, code, emphasis. All else is its text. */

import { html } from "../preact.js";
import { Linked } from "./linked.js";

/**
 * @typedef {object} Kind A kind of block, told by its first line.
 * @property {(line: string) => boolean} begins
 * @property {(line: string, lines: string[]) => boolean} goesOn Whether a line belongs to the lines before.
 * @property {(lines: string[]) => any} drawn
 */

const FENCE = /^\s*```/;
const RULE_OF_TABLE = /^[\s|:-]+$/;
const ITEM = /^\s*(?:[-*+]|\d+[.)])\s+/;
const HEADING = /^#{1,6}\s+/;

/** @type {Kind} */
const CODE = {
  begins: (line) => FENCE.test(line),
  goesOn: (_, lines) => lines.length < 2 || !FENCE.test(lines[lines.length - 1]),
  drawn: (lines) =>
    html`<pre>
${lines
        .slice(1)
        .filter((line) => !FENCE.test(line))
        .join("\n")}</pre>`,
};

/** @type {Kind[]} */
const KINDS = [
  CODE,
  {
    begins: (line) => line.startsWith("|"),
    goesOn: (line) => line.startsWith("|"),
    drawn: (lines) =>
      html`<${Rows} rows=${lines.filter((line) => !RULE_OF_TABLE.test(line)).map(cells)} />`,
  },
  {
    begins: (line) => ITEM.test(line),
    goesOn: (line) => ITEM.test(line) || /^\s{2,}\S/.test(line),
    drawn: (lines) =>
      html`<ul>
        ${items(lines).map((item) => html`<li>${inline(item)}</li>`)}
      </ul>`,
  },
  {
    begins: (line) => HEADING.test(line),
    goesOn: () => false,
    drawn: ([line]) => html`<h3>${inline(line.replace(HEADING, ""))}</h3>`,
  },
  {
    begins: () => true,
    goesOn: (line) => !KINDS.slice(0, -1).some(({ begins }) => begins(line)),
    drawn: (lines) => html`<p>${inline(lines.join("\n"))}</p>`,
  },
];

/** @param {{text: string}} props */
export function Markdown({ text }) {
  return html`<div class="prose">${blocks(text).map(({ kind, lines }) => kind.drawn(lines))}</div>`;
}

/**
 * Blocks end at an empty line, but for code.
 *
 * @param {string} text
 * @returns {{kind: Kind, lines: string[]}[]}
 */
function blocks(text) {
  const found = /** @type {{kind: Kind, lines: string[]}[]} */ ([]);
  let open = false;
  for (const line of text.split("\n")) {
    const last = found[found.length - 1];
    /** @type {boolean} */
    const isWithin =
      open && (line.trim() !== "" || last.kind === CODE) && last.kind.goesOn(line, last.lines);
    if (isWithin) last.lines.push(line);
    else if (line.trim()) found.push({ kind: kindOf(line), lines: [line] });
    open = isWithin || line.trim() !== "";
  }
  return found;
}

/** @param {string} line */
function kindOf(line) {
  return /** @type {Kind} */ (KINDS.find(({ begins }) => begins(line)));
}

/** @param {string} line */
function cells(line) {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}

/** Items, each with the lines that go on under it. @param {string[]} lines */
function items(lines) {
  return lines.reduce((/** @type {string[]} */ found, line) => {
    if (ITEM.test(line)) return [...found, line.replace(ITEM, "")];
    return [...found.slice(0, -1), `${found[found.length - 1]}\n${line.trim()}`];
  }, []);
}

/** @param {{rows: string[][]}} props */
function Rows({ rows: [head = [], ...rows] }) {
  return html`<div class="table-scroll">
    <table>
      <thead>
        <tr>
          ${head.map((cell) => html`<th scope="col">${inline(cell)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${inline(cell)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Code, strong text and trials within a line. @param {string} text */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`") && part.length > 2) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith("**") && part.length > 4)
      return html`<strong>${part.slice(2, -2)}</strong>`;
    return html`<${Linked} text=${part} />`;
  });
}
