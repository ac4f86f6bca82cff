import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const notes = { name: "notes", title: "Notes", key: "n", Page };

function Page() {
  return html`<h1>Notes</h1>`;
}
