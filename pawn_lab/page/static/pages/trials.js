import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const trials = { name: "trials", title: "Trials", key: "t", Page };

function Page() {
  return html`<h1>Trials</h1>`;
}
