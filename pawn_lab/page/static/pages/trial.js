/** One trial, found by `#/trial?id=12`: how it stands, what it found, and where it comes from. */

import { html, useRef } from "../preact.js";
import { useRoute, useView } from "../state.js";
import { Checkpoints } from "../trial/checkpoints.js";
import { Config } from "../trial/config.js";
import { Curves } from "../trial/curves.js";
import { Ending } from "../trial/ending.js";
import { Evaluations } from "../trial/evaluations.js";
import { Family } from "../trial/family.js";
import { Head } from "../trial/head.js";
import { History } from "../trial/history.js";
import { Log } from "../trial/log.js";
import { Provenance } from "../trial/provenance.js";
import { Answered, Empty } from "../widgets/status.js";

/** @typedef {import("../sources/stream.js").Change} Change */

/** @type {import("./index.js").PageEntry} */
export const trial = { name: "trial", title: "Trial", Page };

function Page() {
  const { params } = useRoute();
  if (!/^[1-9]\d*$/.test(params.id ?? "")) {
    return html`<h1>Trial</h1>
      <${Empty}>The address names no trial: <code>#/trial?id=12</code> would be one.<//>`;
  }
  return html`<${One} key=${params.id} id=${Number(params.id)} />`;
}

/** @param {{id: number}} props */
function One({ id }) {
  const view = useView("trial", { trial_id: id }, useConcern(id));
  const measured = useView("evaluations", { trial_id: id }, useHappening());
  const evaluations = measured.answer?.evaluations ?? [];
  const isEvaluation = evaluations.some((/** @type {any} */ own) => own.id === id);
  const reports = html`<${Evaluations} evaluations=${evaluations} />`;
  return html`<${Answered} view=${view}>
    ${(/** @type {any} */ trial) => html`
      <${Head} trial=${trial} />
      <${Ending} trial=${trial} />
      ${isEvaluation && reports}
      <${Curves} trial=${trial} />
      ${!isEvaluation && reports}
      <div class="packed">
        <${Config} trial=${trial} />
        <${Family} trial=${trial} />
        <${Checkpoints} trial=${trial} />
        <${History} events=${trial.events} />
        <${Provenance} provenance=${trial.provenance} />
      </div>
      <${Log} id=${trial.id} />
    `}
  <//>`;
}

/**
 * Whether a change may be seen on a trial's page: it has written something, or anything has
 * happened, as that another trial continues it.
 *
 * @param {number} id
 */
function useConcern(id) {
  const hasHappened = useHappening();
  return (/** @type {Change} */ change) => {
    const happened = hasHappened(change);
    return happened || !change.trials || change.trials.includes(id);
  };
}

/** Whether anything has happened in the lab since the last change, not only been measured. */
function useHappening() {
  const event = useRef(/** @type {number | null} */ (null));
  return (/** @type {Change} */ change) => {
    const happened = change.event !== event.current;
    event.current = change.event;
    return happened;
  };
}
