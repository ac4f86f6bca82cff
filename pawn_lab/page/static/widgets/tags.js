import { html } from "../preact.js";
import { link } from "../state.js";

/** A trial's tags, each leading to the trials that have it. @param {{tags: string[]}} props */
export function Tags({ tags }) {
  return html`<span class="tags">
    ${tags.map((tag) => html`<a class="tag" key=${tag} href=${link("trials", { tag })}>${tag}</a>`)}
  </span>`;
}
