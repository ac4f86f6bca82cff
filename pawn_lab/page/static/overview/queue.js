import { ago } from "../format.js";
import { html, useState } from "../preact.js";
import { link } from "../state.js";
import { Linked } from "../widgets/linked.js";
import { Tags } from "../widgets/tags.js";

const FIRST = 12;

/** The first trials in their order, each with what it waits for. */
/** @param {{queue: any[], queued: number}} props queued: how many there are. */
export function Queue({ queue, queued }) {
  const [more, setMore] = useState(false);
  if (!queued) return null;
  const rows = more ? queue : queue.slice(0, FIRST);
  const unfold = html`<button class="quiet" onClick=${() => setMore(true)}>show more</button>`;
  const table = html`<a href=${link("trials", { state: "queued" })}>all ${queued} in the table</a>`;
  return html`<section class="card">
    <h2>Queue · ${queued.toLocaleString("en")}</h2>
    <ol class="queue">
      ${rows.map((row) => html`<li key=${row.id}><${Waiting} row=${row} /></li>`)}
    </ol>
    ${queue.length > rows.length ? unfold : queued > queue.length && table}
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
