import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const board = { name: "board", title: "Board", key: "b", Page };

function Page() {
  return html`<h1>Board</h1>`;
}
