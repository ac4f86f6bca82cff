import { duration, number } from "../format.js";
import { html } from "../preact.js";
import { FactList } from "../widgets/facts.js";
import { Linked } from "../widgets/linked.js";

const WELL = ["completed", "paused"];

/** How a trial ended and, where it broke off, why and what would help. @param {{trial: any}} props */
export function Ending({ trial }) {
  const { exit } = trial;
  if (!exit) return null;
  const well = WELL.includes(trial.state);
  return html`<section class="card ending" data-well=${well}>
    <h2>How it ended</h2>
    <p class=${well ? "" : "bad"}><${Linked} text=${exit.message} /></p>
    <p class="small quiet">${circumstances(exit)}</p>
    ${exit.evidence && html`<p>${numbersText(exit.evidence)}</p>`}
    ${exit.post_mortem && html`<${PostMortem} report=${exit.post_mortem} unit=${trial.progress.unit} />`}
  </section>`;
}

/** @param {any} exit */
function circumstances(exit) {
  const ending =
    exit.signal === null ? `exit code ${exit.code ?? "none"}` : `signal ${exit.signal}`;
  const ran = exit.duration_s === null ? "" : `, after ${duration(exit.duration_s)}`;
  return `${exit.reason}: ${ending}${ran}${exit.checkpoint ? `; saved ${exit.checkpoint}` : ""}`;
}

/** @param {{report: any, unit: string}} props */
function PostMortem({ report, unit }) {
  /** @type {[string, any][]} */
  const facts = [
    ["Kind", report.kind],
    ["Memory", report.why],
    ["Next call", html`<code>${report.next_call}</code>`],
    ["First bad", report.first_bad_step !== null && `${unit} ${report.first_bad_step}`],
    ["Last healthy", report.last_healthy && numbersText(report.last_healthy)],
    [
      "Nearest that ended well",
      report.nearest_good !== null && html`<${Linked} text="trial ${report.nearest_good}" />`,
    ],
    ["Differs from it by", report.differs && differencesText(report.differs)],
  ];
  return html`<${FactList} facts=${facts} />
    ${report.traceback && html`<pre>${report.traceback}</pre>`}`;
}

/** @param {Record<string, number | string>} numbers */
function numbersText(numbers) {
  const parts = Object.entries(numbers).map(([name, value]) => `${name} ${number(value)}`);
  return parts.join(", ");
}

/** @param {Record<string, [unknown, unknown]>} differs That trial's value, then this one's. */
function differencesText(differs) {
  const text = (/** @type {unknown} */ value) => JSON.stringify(value);
  const parts = Object.entries(differs).map(
    ([name, [theirs, own]]) => `${name} ${text(theirs)} there, ${text(own)} here`,
  );
  return parts.join("; ");
}
