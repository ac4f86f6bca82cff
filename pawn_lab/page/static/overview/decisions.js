import { html } from "../preact.js";
import { link } from "../state.js";
import { Badge } from "../widgets/badge.js";
import { Linked } from "../widgets/linked.js";

/**
 * What needs a decision, each with its next call; how many trials are in each state.
 *
 * @param {{headline: string, decisions: string[], warning: string | null,
 *   counts: Record<string, number>}} props
 */
export function Decisions({ headline, decisions, warning, counts }) {
  return html`<section class="card decisions" data-open=${decisions.length > 0}>
    ${warning && html`<p class="failure" role="alert">${warning}</p>`}
    <h2>${decisions.length ? "Needs a decision" : "How it goes"}</h2>
    ${
      decisions.length
        ? html`<ul>
            ${decisions.map((text) => html`<li key=${text}><${Linked} text=${text} /></li>`)}
          </ul>`
        : html`<p><${Linked} text=${headline} /></p>`
    }
    <${Counts} counts=${counts} />
  </section>`;
}

/** @param {{counts: Record<string, number>}} props */
function Counts({ counts }) {
  return html`<p class="row counts">
    ${Object.entries(counts).map(
      ([state, count]) =>
        html`<a key=${state} href=${link("trials", { state })}>
          <${Badge} state=${state} /> ${count.toLocaleString("en")}
        </a>`,
    )}
  </p>`;
}
