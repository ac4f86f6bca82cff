/** One trial, found by `#/trial?id=12`: how it stands, what it found, and where it comes from. */

import { html } from "../preact.js";
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
  const view = useView(
    "trial",
    { trial_id: id },
    (change) => !change.trials || change.trials.includes(id),
  );
  return html`<${Answered} view=${view}>
    ${(/** @type {any} */ trial) => html`
      <${Head} trial=${trial} />
      <${Ending} trial=${trial} />
      <${Curves} trial=${trial} />
      <${Evaluations} evaluations=${trial.evaluations} />
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
