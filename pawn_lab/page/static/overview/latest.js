/** What ended and what happened last, newest first. */

import { ago, money, when } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { Badge } from "../widgets/badge.js";
import { Linked } from "../widgets/linked.js";
import { Empty } from "../widgets/status.js";
import { Tags } from "../widgets/tags.js";

/** @param {{ended: any[]}} props */
export function Ended({ ended }) {
  return html`<section class="card">
    <h2>Ended lately</h2>
    ${ended.length ? null : html`<${Empty}>No trial has ended yet.<//>`}
    <ul class="plain">
      ${ended.map(
        (row) =>
          html`<li key=${row.id}>
            <div class="row">
              <a href=${link("trial", { id: row.id })}>Trial ${row.id}</a>
              <${Badge} state=${row.state} />
              <${Tags} tags=${row.tags} />
              <span class="quiet small"
                >${ago(row.ended_at)}${row.cost > 0 ? ` · cost ${money(row.cost)}` : ""}</span
              >
            </div>
            <span class="clamped small">${row.message}</span>
          </li>`,
      )}
    </ul>
  </section>`;
}

/** @param {{events: any[]}} props */
export function Latest({ events }) {
  return html`<section class="card">
    <h2>Latest events</h2>
    ${events.length ? html`<${Events} events=${events} />` : html`<${Empty}>Nothing has happened yet.<//>`}
  </section>`;
}

/**
 * Events with their time, their trial and who asked.
 *
 * @param {{events: any[], ofTrial?: boolean}} props ofTrial: all of one trial, which is not repeated.
 */
export function Events({ events, ofTrial = false }) {
  return html`<ol class="plain events">
    ${events.map((event) => html`<li key=${event.seq} class="row"><${Happening} ...${{ event, ofTrial }} /></li>`)}
  </ol>`;
}

/** @param {{event: any, ofTrial: boolean}} props */
function Happening({ event, ofTrial }) {
  const of = !ofTrial && event.trial_id !== null;
  return html`
    <time class="quiet small" datetime=${new Date(1000 * event.time).toISOString()}
      >${when(event.time)}</time
    >
    ${of && html`<a href=${link("trial", { id: event.trial_id })}>trial ${event.trial_id}</a>`}
    <span class="event-kind">${event.kind}</span>
    ${event.message !== event.kind && html`<span><${Linked} text=${event.message} /></span>`}
  `;
}
