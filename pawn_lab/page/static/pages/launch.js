import { html } from "../preact.js";

/** @type {import("./index.js").PageEntry} */
export const launch = { name: "launch", title: "Launch", key: "l", Page };

function Page() {
  return html`<h1>Launch</h1>`;
}
