import { html } from "../preact.js";
import { EvaluationReport, FoldedReport } from "../reports/report.js";
import { link } from "../state.js";
import { Badge } from "../widgets/badge.js";

/** What eval trials have found on a trial's weights, the newest first. @param {{evaluations: any[]}} props */
export function Evaluations({ evaluations }) {
  if (!evaluations.length) return null;
  return html`<section aria-labelledby="evaluations">
    <h2 id="evaluations">Evaluations</h2>
    ${[...evaluations].reverse().map((evaluation) => html`<${Evaluation} key=${evaluation.id} evaluation=${evaluation} />`)}
  </section>`;
}

/** @param {{evaluation: any}} props */
function Evaluation({ evaluation }) {
  const Report = evaluation.reports.length > 1 ? FoldedReport : EvaluationReport;
  return html`<div class="card">
    <div class="row">
      <strong>${evaluation.weights}</strong>
      <span class="quiet small"
        >by <a href=${link("trial", { id: evaluation.id })}>trial ${evaluation.id}</a></span
      >
      <${Badge} state=${evaluation.state} />
      ${!evaluation.complete && html`<span class="warn">◔ not all of it is there</span>`}
      <span class="mono small quiet" title=${evaluation.sha256}
        >${evaluation.sha256.slice(0, 12)}</span
      >
    </div>
    ${evaluation.reports.map((/** @type {any} */ report) => html`<${Report} key=${report.name} report=${report} />`)}
  </div>`;
}
