import { ago } from "../format.js";
import { html, useState } from "../preact.js";
import { link } from "../state.js";
import { Linked } from "../widgets/linked.js";
import { Tags } from "../widgets/tags.js";

const FIRST = 12;

/** Trials in their order, each with what it waits for. @param {{queue: any[]}} props */
export function Queue({ queue }) {
  const [all, setAll] = useState(false);
  if (!queue.length) return null;
  const shown = all ? queue : queue.slice(0, FIRST);
  return html`<section class="card">
    <h2>Queue · ${queue.length}</h2>
    <ol class="queue">
      ${shown.map((row) => html`<li key=${row.id}><${Waiting} row=${row} /></li>`)}
    </ol>
    ${
      queue.length > shown.length &&
      html`<button class="quiet" onClick=${() => setAll(true)}>
        ${queue.length - shown.length} more
      </button>`
    }
  </section>`;
}

/** @param {{row: any}} props */
function Waiting({ row }) {
  return html`<span class="row">
    <a href=${link("trial", { id: row.id })}>Trial ${row.id}</a>
    <${Tags} tags=${row.tags} />
    ${row.priority !== 0 && html`<span class="quiet">priority ${row.priority}</span>`}
    <span><${Linked} text=${row.why} /></span>
    <span class="quiet small">since ${ago(row.created_at)}</span>
  </span>`;
}
