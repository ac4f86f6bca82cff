/** Lab notes: their sections, the newest first; search; append. */

import { Author } from "../acting/author.js";
import { useCall } from "../acting/call.js";
import { html, useEffect, useState } from "../preact.js";
import { useRoute, useSource, useView } from "../state.js";
import { Field } from "../widgets/form.js";
import { Markdown } from "../widgets/markdown.js";

/** @type {import("./index.js").PageEntry} */
export const notes = { name: "notes", title: "Notes", key: "n", ofLab: true, Page };

const FIRST = 30;
const MORE = 100;

/**
 * @typedef {{number: number, title: string, written: string | null, text: string, archived: boolean,
 *   trials: number[]}} Section
 * @typedef {{sections: Section[], found: number, count: number, compaction: string | null,
 *   most_bytes: number, most_title: number}} Notes
 */

function Page() {
  const { params, set } = useRoute();
  const most = Number(params.most) || FIRST;
  const { answer, error, again } = useView(
    "notes",
    { q: params.q, most },
    (change) => change.notes,
  );
  const shown = /** @type {Notes | null} */ (answer);
  return html`<h1>Notes</h1>
    <${Search}
      q=${params.q || ""}
      notes=${shown}
      onSearch=${(/** @type {string} */ q) => set({ q, most: null }, { replace: true })}
    />
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    ${shown && html`<${Append} notes=${shown} onAppended=${again} />`}
    ${shown?.sections.map((section) => html`<${SectionOf} key=${section.number} section=${section} />`)}
    ${
      shown &&
      shown.found > shown.sections.length &&
      html`<button
        type="button"
        onClick=${() => set({ most: Math.min(1000, most + MORE) }, { replace: true })}
      >
        Show older ones
      </button>`
    }
    ${shown?.compaction && html`<${Compaction} text=${shown.compaction} />`}`;
}

/** @param {{q: string, notes: Notes | null, onSearch: (q: string) => void}} props */
function Search({ q, notes, onSearch }) {
  return html`<div class="row toolbar" role="search">
    <label class="choice"
      >Search
      <input
        type="search"
        value=${q}
        maxlength="200"
        onInput=${(/** @type {any} */ event) => onSearch(event.target.value)}
    /></label>
    <span role="status">${notes && told(q, notes)}</span>
  </div>`;
}

/** @param {string} q @param {Notes} notes */
function told(q, notes) {
  const sections = `${notes.count} section${notes.count === 1 ? "" : "s"}`;
  if (q) return `${notes.found} of ${sections}`;
  return notes.count ? sections : "no notes yet";
}

/** @param {{section: Section}} props */
function SectionOf({ section }) {
  return html`<article class="card note">
    <header>
      <h2>${section.title}</h2>
      <span class="quiet small">${section.written}${section.archived && " · archived"}</span>
    </header>
    <${Markdown} text=${section.text} />
  </article>`;
}

/** What an agent wrote of itself when its memory was cut. @param {{text: string}} props */
function Compaction({ text }) {
  return html`<details class="card note">
    <summary>Summary at the latest compaction of an agent</summary>
    <${Markdown} text=${text} />
  </details>`;
}

/** @param {{notes: Notes, onAppended: () => void}} props */
function Append({ notes, onAppended }) {
  const { can, kind } = useSource();
  const [draft, setDraft] = useState({ section: "", text: "" });
  const call = useCall();
  useEffect(() => {
    if (!call.answer) return;
    setDraft({ section: "", text: "" });
    onAppended();
  }, [call.answer]);
  if (kind === "report") return null;
  if (!can.control)
    return html`<p class="quiet small">To add a note, open the dashboard with its token.</p>`;
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    call.send("lab_notes", { append: draft.text, section: draft.section || null });
  };
  const change = (/** @type {any} */ event) =>
    setDraft({ ...draft, [event.target.name]: event.target.value });
  const size = new TextEncoder().encode(draft.text).length;
  const tooLong = size > notes.most_bytes;
  const told = `${size} of ${notes.most_bytes} bytes`;
  return html`<details class="card">
    <summary>Add a note</summary>
    <form class="action" onSubmit=${send}>
      <${Field} label="Title" id="note-title">
        <input
          id="note-title"
          name="section"
          value=${draft.section}
          maxlength=${notes.most_title}
          placeholder="Note"
          onInput=${change}
        />
      <//>
      <${Field}
        label="Text, Markdown"
        id="note-text"
        help=${told}
        error=${tooLong ? `${told}: shorten it, or add it in parts` : undefined}
      >
        <textarea
          id="note-text"
          name="text"
          rows="6"
          required
          aria-describedby="note-text-help"
          value=${draft.text}
          onInput=${change}
        ></textarea>
      <//>
      <${Author} />
      ${call.error && html`<p class="failure" role="alert">${call.error}</p>`}
      <button class="main" disabled=${call.pending || tooLong}>Append</button>
    </form>
  </details>`;
}
