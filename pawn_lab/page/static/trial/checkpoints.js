import { bytes, number } from "../format.js";
import { html, useState } from "../preact.js";
import { source } from "../source.js";
import { link, useSource } from "../state.js";
import { Empty } from "../widgets/status.js";

/** What is saved, and whether every file is as it was written. @param {{trial: any}} props */
export function Checkpoints({ trial }) {
  const { checkpoints } = trial;
  const total = checkpoints.reduce(
    (/** @type {number} */ sum, /** @type {any} */ saved) => sum + saved.bytes,
    0,
  );
  return html`<section class="card">
    <h2>Checkpoints · ${checkpoints.length}${total > 0 ? `, ${bytes(total)}` : ""}</h2>
    ${checkpoints.length ? null : html`<${Empty}>Nothing is saved.<//>`}
    <ul class="plain scrolled">
      ${checkpoints.map((/** @type {any} */ saved) => html`<${Saved} key=${saved.step} trial=${trial} saved=${saved} />`)}
    </ul>
  </section>`;
}

/** @param {{trial: any, saved: any}} props */
function Saved({ trial, saved }) {
  const { can } = useSource();
  return html`<li class="row">
    <span>${trial.progress.unit} ${number(saved.step)}</span>
    <span class="quiet">${bytes(saved.bytes)}</span>
    ${saved.best_of.map((/** @type {string} */ model) => html`<span class="good" key=${model}>★ best${model && ` ${model}`}</span>`)}
    ${saved.finished ? html`<${Hashes} id=${trial.id} step=${saved.step} />` : html`<span class="warn">◔ not finished</span>`}
    ${can.board && trial.predicts_moves && saved.finished && html`<${Boards} trial=${trial} step=${saved.step} />`}
  </li>`;
}

/** A link to the board for each of its models. @param {{trial: any, step: number}} props */
function Boards({ trial, step }) {
  const models = trial.results.map((/** @type {any} */ result) => result.model);
  return models.map((/** @type {string} */ model) => {
    const place = `trial:${trial.id}@${step}${model && `:${model}`}`;
    return html`<a key=${model} href=${link("board", { source: place })}
      >${model || "on the board"}</a
    >`;
  });
}

/** Checks the hashes of a checkpoint's files when asked to: that reads all of them. */
/** @param {{id: number, step: number}} props */
function Hashes({ id, step }) {
  const [outcome, setOutcome] = useState(/** @type {any} */ (null));
  const check = () => {
    setOutcome({ pending: true });
    source
      .view("checkpoint", { trial_id: id, step })
      .then(setOutcome, (error) => setOutcome({ why: error.message }));
  };
  if (!outcome)
    return html`<button class="quiet" onClick=${check} aria-label="Verify ${step}">verify</button>`;
  if (outcome.pending) return html`<span class="quiet" role="status">hashing …</span>`;
  if (!outcome.verified) return html`<span class="bad" role="status">✕ ${outcome.why}</span>`;
  return html`<span class="good" role="status"
    >✓ ${Object.keys(outcome.files).length} files match their hashes</span
  >`;
}
