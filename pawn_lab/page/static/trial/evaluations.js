import { html } from "../preact.js";
import { EvaluationReport, FoldedReport } from "../reports/report.js";
import { link } from "../state.js";
import { Badge } from "../widgets/badge.js";

/** What eval trials have found on a trial's weights, the newest first. @param {{evaluations: any[]}} props */
export function Evaluations({ evaluations }) {
  if (!evaluations.length) return null;
  return html`<section aria-labelledby="evaluations">
    <h2 id="evaluations">Evaluations</h2>
    ${[...evaluations].reverse().map((found) => html`<${Found} key=${found.id} found=${found} />`)}
  </section>`;
}

/** @param {{found: any}} props */
function Found({ found }) {
  const Shown = found.reports.length > 1 ? FoldedReport : EvaluationReport;
  return html`<div class="card">
    <div class="row">
      <strong>${found.weights}</strong>
      <span class="quiet small"
        >by <a href=${link("trial", { id: found.id })}>trial ${found.id}</a></span
      >
      <${Badge} state=${found.state} />
      ${!found.complete && html`<span class="warn">◔ not all of it is there</span>`}
      <span class="mono small quiet" title=${found.sha256}>${found.sha256.slice(0, 12)}</span>
    </div>
    ${found.reports.map((/** @type {any} */ report) => html`<${Shown} key=${report.name} report=${report} />`)}
  </div>`;
}
