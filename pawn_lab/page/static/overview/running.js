/** Trials that hold a device: how far each is, and how it does. */

import { Sparkline } from "../charts/sparkline.js";
import { ago, bytes, count, duration, money, number, percent } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { Badge } from "../widgets/badge.js";
import { Bar } from "../widgets/bar.js";
import { Health } from "../widgets/health.js";
import { Empty } from "../widgets/status.js";
import { Tags } from "../widgets/tags.js";

/** @param {{running: any[]}} props */
export function Running({ running }) {
  return html`<section aria-labelledby="running">
    <h2 id="running">Running</h2>
    ${
      running.length
        ? html`<div class="grid">
            ${running.map((row) => html`<${Card} key=${row.id} row=${row} />`)}
          </div>`
        : html`<${Empty}>Nothing runs.<//>`
    }
  </section>`;
}

/** @param {{row: any}} props */
function Card({ row }) {
  return html`<article class="card running" aria-label="Trial ${row.id}">
    <div class="row">
      <a class="running-id" href=${link("trial", { id: row.id })}>Trial ${row.id}</a>
      <${Badge} state=${row.state} />
      <span class="quiet">${row.run_type} on ${row.device}</span>
      <${Tags} tags=${row.tags} />
    </div>
    ${row.hypothesis && html`<p class="clamped small">${row.hypothesis}</p>`}
    <${Bar} label="Progress" value=${row.step} of=${row.target} text=${progressText(row)} />
    <p class="row small">
      <${Health} health=${row.health} />
      <span>ends in ${duration(row.eta_s)}</span>
      <span class="quiet">started ${ago(row.started_at)}</span>
      ${row.cost > 0 && html`<span class="quiet">cost ${money(row.cost)}</span>`}
    </p>
    <${Numbers} row=${row} />
  </article>`;
}

/** @param {any} row */
export function progressText(row) {
  const pace = row.steps_per_s ? ` · ${number(row.steps_per_s)} ${row.unit}s/s` : "";
  return `${row.unit} ${count(row.step ?? 0)} of ${count(row.target)}${pace}`;
}

/** @param {{row: any}} props */
function Numbers({ row }) {
  return html`<dl class="facts small">
    ${row.courses.map(
      (/** @type {any} */ course) =>
        html`<dt>${course.metric} <span>${course.model}</span></dt>
          <dd class="row">
            <${Sparkline} values=${course.values} label=${course.metric} />
            ${number(latest(course.values))}
          </dd>`,
    )}
    ${Object.entries(row.live).map(
      ([model, live]) =>
        html`<dt>now ${model}</dt>
          <dd>${shownLive(/** @type {any} */ (live))}</dd>`,
    )}
    ${
      row.data_wait !== null &&
      html`<dt>waits for data</dt>
        <dd>${percent(row.data_wait)}</dd>`
    }
    ${
      row.device_memory !== null &&
      html`<dt>memory, most</dt>
        <dd>${bytes(row.device_memory)}</dd>`
    }
  </dl>`;
}

/** @param {(number | null)[]} values */
function latest(values) {
  return values.filter((value) => value !== null).at(-1);
}

/** @param {Record<string, number>} live */
function shownLive(live) {
  const numbers = Object.entries(live).map(([name, value]) => `${name} ${number(value)}`);
  return numbers.join(" · ") || "–";
}
