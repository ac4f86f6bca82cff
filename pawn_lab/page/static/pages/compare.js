import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const compare = { name: "compare", title: "Compare", key: "m", Page };

function Page() {
  return html`<h1>Compare</h1>`;
}
