/** What needs a decision, what is going on, and where the money goes. */

import { Decisions } from "../overview/decisions.js";
import { Devices } from "../overview/devices.js";
import { Ended, Latest } from "../overview/latest.js";
import { Queue } from "../overview/queue.js";
import { Running } from "../overview/running.js";
import { Spending } from "../overview/spending.js";
import { html } from "../preact.js";
import { useSource, useView } from "../state.js";
import { Holds } from "../widgets/actions.js";
import { Answered } from "../widgets/status.js";

/** @type {import("./index.js").PageEntry} */
export const overview = { name: "overview", title: "Overview", key: "o", Page };

function Page() {
  const view = useView("overview");
  return html`<h1 class="unseen">Overview</h1>
    <${Answered} view=${view}
      >${(/** @type {any} */ answer) => html`<${Overview} answer=${answer} />`}<//
    >`;
}

/** @param {{answer: any}} props */
function Overview({ answer }) {
  const owned = useSource().session?.mode !== "bare"; // else no lab gives devices to its runs
  return html`
    <${Decisions} ...${answer} />
    <${Holds} trials=${answer.holds} />
    <${Running} running=${answer.running} />
    <${Queue} queue=${answer.queue} queued=${answer.queued} />
    <div class="packed">
      ${owned && html`<${Spending} spending=${answer.spending} />`}
      ${owned && html`<${Devices} devices=${answer.devices} lost=${answer.lost_devices} spending=${answer.spending} />`}
      <${Ended} ended=${answer.ended} />
      <${Latest} events=${answer.events} />
    </div>
  `;
}
