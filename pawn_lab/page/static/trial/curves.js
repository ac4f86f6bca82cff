import { html } from "../preact.js";
import { link } from "../state.js";

/** @param {{trial: any}} props */
export function Curves({ trial }) {
  return html`<p>
    <a href=${link("curves", { trials: trial.id })}>Curves of trial ${trial.id}</a>
  </p>`;
}
