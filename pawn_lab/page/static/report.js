/** A report of a study: its sections one below another, with everything that they show inside. */

import { Charts, USUAL } from "./charts/panels.js";
import { ChartSettings } from "./charts/settings.js";
import { html, useEffect, useState } from "./preact.js";
import { EvaluationReport } from "./reports/report.js";
import { source } from "./source.js";
import { ThemeButton } from "./theme.js";
import { Copy } from "./widgets/copy.js";
import { Table } from "./widgets/table.js";

/**
 * @typedef {{kind: string} & Record<string, any>} Block
 * @typedef {{title: string, blocks: Block[]}} Section
 */

export function Report() {
  /** @type {{title: string, sections: Section[]}} */
  const { title, sections } = source.data;
  useEffect(() => {
    document.title = title;
  }, []);
  return html`
    <header class="top">
      <strong>${title}</strong>
      <div class="top-end"><${ThemeButton} /></div>
    </header>
    <main class="report">
      <${Contents} sections=${sections} />
      <article>
        <h1>${title}</h1>
        ${sections.map((section, i) => html`<${Chapter} section=${section} id=${anchor(i)} />`)}
      </article>
    </main>
  `;
}

/** @param {number} index */
function anchor(index) {
  return `section-${index + 1}`;
}

/** @param {{sections: Section[]}} props */
function Contents({ sections }) {
  const entry = (/** @type {Section} */ { title }, /** @type {number} */ i) =>
    html`<li><a href=${`#${anchor(i)}`}>${title}</a></li>`;
  return html`<nav class="contents" aria-label="Contents">
    <ol>
      ${sections.map(entry)}
    </ol>
  </nav>`;
}

/** @param {{section: Section, id: string}} props */
function Chapter({ section, id }) {
  return html`<section id=${id} aria-label=${section.title}>
    <h2>${section.title}</h2>
    ${section.blocks.map((block) => html`<${BLOCKS[block.kind]} block=${block} title=${section.title} />`)}
  </section>`;
}

/** One entry for each kind of block. @type {Record<string, (props: {block: Block, title: string}) => any>} */
const BLOCKS = {
  prose: ({ block }) => html`<p>${block.text}</p>`,
  items: ({ block }) =>
    html`<ul>
      ${block.lines.map((/** @type {string} */ line) => html`<li>${line}</li>`)}
    </ul>`,
  grid: Grid,
  curves: Curves,
  evaluation: ({ block }) =>
    html`<${EvaluationReport} report=${block.report} title=${block.title} />`,
  commands: ({ block }) =>
    html`<div class="commands">
      <${Copy} text=${block.lines.join("\n")} />
      <pre>${block.lines.join("\n")}</pre>
    </div>`,
  picture: ({ block }) =>
    html`<img src=${`data:image/png;base64,${block.png}`} alt=${block.caption} />`,
};

/** A table that sorts by a click on a title. @param {{block: Block, title: string}} props */
function Grid({ block, title }) {
  const { columns, rows } = block;
  if (!rows.length) return html`<p class="quiet">none</p>`;
  const described = columns.map((/** @type {string} */ name, /** @type {number} */ i) => ({
    key: String(i),
    title: name,
    value: (/** @type {any[]} */ row) => row[i],
    numeric: rows.every(
      (/** @type {any[]} */ row) => row[i] === null || typeof row[i] === "number",
    ),
  }));
  return html`<${Table} columns=${described} rows=${rows} caption=${title} />`;
}

/** Charts with settings of their own. @param {{block: Block}} props */
function Curves({ block }) {
  const { answer } = block;
  const [settings, setSettings] = useState(USUAL);
  const change = (/** @type {Partial<typeof USUAL>} */ patch) =>
    setSettings((/** @type {typeof USUAL} */ before) => ({ ...before, ...patch }));
  return html`
    <${ChartSettings} settings=${settings} onChange=${change} />
    <${Charts} answer=${answer} panels=${answer.panels} settings=${settings} />
  `;
}
