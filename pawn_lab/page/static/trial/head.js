/** How a trial stands: state, question, progress, and the best and last it has shown. */

import { ago, bytes, duration, money, number, percent, when } from "../format.js";
import { progressText } from "../overview/running.js";
import { html } from "../preact.js";
import { TrialActions } from "../widgets/actions.js";
import { Badge } from "../widgets/badge.js";
import { Bar } from "../widgets/bar.js";
import { FactList } from "../widgets/facts.js";
import { Health } from "../widgets/health.js";
import { Linked } from "../widgets/linked.js";
import { Table } from "../widgets/table.js";
import { Tags } from "../widgets/tags.js";

/** @param {{trial: any}} props */
export function Head({ trial }) {
  const { progress } = trial;
  return html`<section class="card trial-head">
    <div class="row">
      <h1>Trial ${trial.id}</h1>
      <${Badge} state=${trial.on_hold ? "held" : trial.state} />
      <span class="quiet">${trial.run_type}</span>
      <${Tags} tags=${trial.tags} />
      <${Health} health=${progress.health} />
    </div>
    <${TrialActions} trial=${trial} />
    ${trial.hypothesis && html`<p><${Linked} text=${trial.hypothesis} /></p>`}
    ${trial.why_waiting && html`<p class="warn">○ <${Linked} text=${trial.why_waiting} /></p>`}
    ${trial.strangeness && html`<p class="failure">Another version's: ${trial.strangeness}</p>`}
    <${Bar}
      label="Progress"
      value=${progress.step}
      of=${progress.target}
      text=${progressText(progress)}
    />
    <div class="trial-facts">
      <${Facts} trial=${trial} />
      <${Results} trial=${trial} />
    </div>
  </section>`;
}

/** @param {{trial: any}} props */
function Facts({ trial }) {
  const { progress } = trial;
  /** @type {[string, any][]} */
  const facts = [
    ["Ends in", progress.eta_s === null ? null : duration(progress.eta_s)],
    ["Asked by", trial.asked_by],
    ["Queued", when(trial.created_at)],
    ["Started", trial.started_at && when(trial.started_at)],
    ["Device", trial.device],
    ["Ended", trial.ended_at && `${when(trial.ended_at)}, ${ago(trial.ended_at)}`],
    ["Ran for", ranFor(trial)],
    ["Cost", trial.cost > 0 ? money(trial.cost) : null],
    [
      "Waits for data",
      progress.data_wait === null ? null : `${percent(progress.data_wait)} of a step`,
    ],
    ["Memory, most", progress.device_memory === null ? null : bytes(progress.device_memory)],
    ["Games", trial.games],
  ];
  return html`<${FactList} facts=${facts} />`;
}

/** @param {any} trial */
function ranFor(trial) {
  if (!trial.started_at) return null;
  return duration((trial.ended_at ?? Date.now() / 1000) - trial.started_at);
}

/** Best and last evaluation of each model. @param {{trial: any}} props */
function Results({ trial }) {
  const { merit, results, progress } = trial;
  if (!merit || !results.some((/** @type {any} */ result) => result.last)) return null;
  const rows = results.map((/** @type {any} */ result) => ({
    model: result.model || "the model",
    best: result.best?.metrics[merit.metric],
    best_step: result.best?.step,
    last: result.last?.metrics[merit.metric],
    last_step: result.last?.step,
  }));
  const columns = [
    { key: "model", title: "Model" },
    { key: "best", title: "Best", numeric: true },
    { key: "best_step", title: `at ${progress.unit}`, numeric: true },
    { key: "last", title: "Last", numeric: true },
    { key: "last_step", title: `at ${progress.unit}`, numeric: true },
  ];
  return html`<div>
    <h2>${merit.title} <span class="quiet">${merit.better} is better</span></h2>
    <${Table} columns=${columns} rows=${rows} caption="Best and last ${merit.title}" />
    <${Others} results=${results} merit=${merit} unit=${progress.unit} />
  </div>`;
}

/** The other metrics of the last evaluation. @param {{results: any[], merit: any, unit: string}} props */
function Others({ results, merit, unit }) {
  const models = results.filter((result) => result.last);
  const names = [...new Set(models.flatMap((result) => Object.keys(result.last.metrics)))];
  const others = names.filter((name) => name !== merit.metric);
  if (!others.length) return null;
  const columns = [
    { key: "name", title: "Metric" },
    ...models.map((result, i) => ({
      key: String(i),
      title: result.model || `at ${unit} ${number(result.last.step)}`,
      numeric: true,
      value: (/** @type {any} */ row) => result.last.metrics[row.name],
    })),
  ];
  return html`<details>
    <summary>${others.length} more of the last evaluation</summary>
    <${Table}
      columns=${columns}
      rows=${others.map((name) => ({ name }))}
      caption="The last evaluation"
    />
  </details>`;
}
