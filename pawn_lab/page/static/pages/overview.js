import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const overview = { name: "overview", title: "Overview", key: "o", Page };

function Page() {
  return html`<h1>Overview</h1>`;
}
