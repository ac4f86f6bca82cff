import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const sweeps = { name: "sweeps", title: "Sweeps", key: "s", Page };

function Page() {
  return html`<h1>Sweeps</h1>`;
}
