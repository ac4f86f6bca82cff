import { CurvesOf } from "../charts/drawn.js";
import { html } from "../preact.js";
import { link, useRoute } from "../state.js";
import { Tick } from "../widgets/form.js";

/** A trial's curves with those of what it continues: the first panel, or all of its run type. */
/** @param {{trial: any}} props */
export function Curves({ trial }) {
  const { params, set } = useRoute();
  if (!trial.merit || trial.progress.step === null) return null;
  const all = params.panels === "all";
  const turn = (/** @type {boolean} */ on) => set({ panels: on ? "all" : null, metric: null });
  return html`<section aria-labelledby="curves">
    <div class="row">
      <h2 id="curves">Curves</h2>
      <${Tick} label="every panel" checked=${all} onChange=${turn} />
      <a href=${link("curves", { trials: trial.id })}>beside other trials</a>
    </div>
    <${CurvesOf} trials=${[trial.id]} everyPanel=${all} />
  </section>`;
}
