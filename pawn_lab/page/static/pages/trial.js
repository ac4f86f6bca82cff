/** Its page is found by `#/trial?id=12`. */

import { html } from "../preact.js";
import { useRoute } from "../state.js";

/** @type {import("./index.js").PageEntry} */
export const trial = { name: "trial", title: "Trial", Page };

function Page() {
  const { params } = useRoute();
  return html`<h1>Trial ${params.id}</h1>`;
}
