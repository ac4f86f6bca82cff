/** Which model stands at the board: a trial's, of a step, or any weights with the token. */

import { html, useEffect } from "../preact.js";
import { useSource, useView } from "../state.js";
import { Choice } from "../widgets/form.js";
import { Empty } from "../widgets/status.js";

const FORM = /^trial:(\d+)(?:@(\w+))?(?::([\w-]+))?$/;

/** @typedef {{trial: number | null, step: string, model: string}} Weights */

/** Read a source; that of no trial has none. @param {string} source @returns {Weights} */
export function parsedWeights(source) {
  const match = FORM.exec(source);
  if (!match) return { trial: null, step: "", model: "" };
  return { trial: Number(match[1]), step: match[2] ?? "latest", model: match[3] ?? "" };
}

/** @param {Weights} weights */
export function sourceOf({ trial, step, model }) {
  return `trial:${trial}@${step}${model && `:${model}`}`;
}

/**
 * @param {object} props
 * @param {string} props.source
 * @param {(source: string, how?: {replace?: boolean}) => void} props.onSource
 */
export function ModelChoice({ source, onSource }) {
  const { can } = useSource();
  const { trial, step, model } = parsedWeights(source);
  const { answer, error } = useView("board_models", { trial_id: trial });
  const trials = answer?.trials ?? [];
  const chosen = answer?.chosen?.id === trial ? answer.chosen : null;
  useEffect(() => {
    if (!source && answer?.suggested) onSource(answer.suggested, { replace: true });
  }, [source, answer]);
  useEffect(() => {
    const models = chosen?.models ?? [];
    if (models.length && !models.includes(model) && trial !== null)
      onSource(sourceOf({ trial, step, model: models[0] }), { replace: true });
  }, [chosen, model]);
  return html`<div class="row">
      ${
        trials.length > 0 &&
        html`<${Choice}
          label="Trial"
          value=${String(trial ?? "")}
          options=${trials.map(trialOption)}
          onChange=${(/** @type {string} */ id) => onSource(`trial:${id}`)}
        />`
      }
      ${
        chosen &&
        html`<${Choice}
          label="Checkpoint"
          value=${step}
          options=${steps(chosen, model)}
          onChange=${(/** @type {string} */ step) => onSource(sourceOf({ trial, step, model }))}
        />`
      }
      ${
        chosen?.models.length > 1 &&
        html`<${Choice}
          label="Model"
          value=${model}
          options=${chosen.models.map((/** @type {string} */ name) => [name, name])}
          onChange=${(/** @type {string} */ model) => onSource(sourceOf({ trial, step, model }))}
        />`
      }
      ${can.control && html`<${AnySource} source=${source} onSource=${onSource} />`}
    </div>
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    ${answer && !answer.suggested && !source && html`<${Empty}>No trial has saved a model that predicts moves yet.<//>`}`;
}

/** @param {any} trial @returns {[string, string]} */
function trialOption({ id, run_type, tags, hypothesis }) {
  const words = tags.join(", ") || hypothesis || "";
  return [String(id), `${id} ${run_type}${words && ` · ${words.slice(0, 60)}`}`];
}

/** @param {any} chosen @param {string} model @returns {[string, string][]} */
function steps(chosen, model) {
  const best = chosen.best[model];
  const saved = [...chosen.steps]
    .reverse()
    .map((/** @type {number} */ step) => [
      String(step),
      `step ${step.toLocaleString("en")}${step === best ? " (best)" : ""}`,
    ]);
  const named = [["latest", "latest"], ...(best === undefined ? [] : [["best", "best"]])];
  return /** @type {[string, string][]} */ ([...named, ...saved]);
}

/** @param {{source: string, onSource: (source: string) => void}} props */
function AnySource({ source, onSource }) {
  return html`<label class="choice"
    >or weights
    <input
      value=${source}
      placeholder="folder or owner/name"
      onChange=${(/** @type {any} */ event) => onSource(event.target.value.trim())}
  /></label>`;
}
