import { CurvesOf } from "../charts/drawn.js";
import { html } from "../preact.js";
import { link } from "../state.js";

/** The panels of a trial's run type, with what it continues. @param {{trial: any}} props */
export function Curves({ trial }) {
  if (!trial.merit || trial.progress.step === null) return null;
  return html`<section aria-labelledby="curves">
    <div class="row">
      <h2 id="curves">Curves</h2>
      <a href=${link("curves", { trials: trial.id })}>beside other trials</a>
    </div>
    <${CurvesOf} trials=${[trial.id]} />
  </section>`;
}
