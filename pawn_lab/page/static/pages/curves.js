import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const curves = { name: "curves", title: "Curves", key: "c", Page };

function Page() {
  return html`<h1>Curves</h1>`;
}
