/** A sweep in words: how it goes, its best points, what happened to it. */

import { useCall } from "../acting/call.js";
import { number, when } from "../format.js";
import { html, useState } from "../preact.js";
import { link, useSource } from "../state.js";
import { settingText } from "../tables/columns.js";
import { Badge } from "../widgets/badge.js";

/** Settings as tools write them. @param {Record<string, unknown>} settings */
export function settingsText(settings) {
  return (
    Object.entries(settings)
      .map(([name, value]) => `${name}=${settingText(value)}`)
      .join(" ") || "the config"
  );
}

/** @param {{sweep: any}} props */
export function Facts({ sweep }) {
  const { tag, state, method, rule, seeds, asked, of, hypothesis } = sweep;
  const early = rule && [
    rule.rule,
    rule.first_rung && `from ${rule.first_rung}`,
    `factor ${rule.factor}`,
  ];
  const facts = [
    `${method}, ${asked === of ? of : `${asked} of ${of}`} points`,
    seeds > 1 && `${seeds} seeds each`,
    early && `stopped early by ${early.filter(Boolean).join(" ")}`,
  ];
  return html`<div class="row">
      <${Badge} state=${state} /> <span>${facts.filter(Boolean).join(" · ")}</span>
      <a href=${link("trials", { tag })}>Trials</a> <a href=${link("curves", { tag })}>Curves</a>
      <a href=${link("compare", { tag })}>Compare</a>
      ${state === "active" && html`<${Stop} sweep=${sweep.id} />`}
    </div>
    ${hypothesis && html`<p><em>${hypothesis}</em></p>`}`;
}

/** Chooses no further points, once it is said twice. @param {{sweep: number}} props */
function Stop({ sweep }) {
  const { can } = useSource();
  const [sure, setSure] = useState(false);
  const call = useCall();
  if (!can.control) return null;
  const stop = () => call.send("lab_sweep", { sweep_id: sweep, stop: true });
  return html`<button disabled=${call.pending} onClick=${sure ? stop : () => setSure(true)}>
      ${sure ? "Stop: choose no more points, promote none" : "Stop this sweep"}
    </button>
    ${call.error && html`<p class="failure" role="alert">${call.error}</p>`}`;
}

/** The best point of each arm, and how far it is ahead. @param {{sweep: any, points: any[]}} props */
export function Leaders({ sweep, points }) {
  const { arms, metric } = sweep;
  return points.map((point) => {
    const leader = sweep.best.find((/** @type {any} */ each) => each.point === point.number);
    const arm = arms.length > 1 ? ` of arm ${point.arm} (${settingsText(arms[point.arm])})` : "";
    const lead = leader
      ? `${number(leader.by)} ahead of point ${leader.ahead_of}`
      : "no other has got as far";
    const value = `${metric} ${number(point.value)} at ${sweep.unit} ${number(point.step)}`;
    return html`<p class="verdict" key=${point.number}>
      ${`Best${arm}: point ${point.number} (${settingsText(point.settings)}), ${value}, ${lead}.`}
      ${leader?.edges.length > 0 && html`<span class="warn"> ${`${leader.edges.join(", ")}: go on there.`}</span>`}
    </p>`;
  });
}

/** What happened to it. @param {{events: {time: number, message: string}[]}} props */
export function Events({ events }) {
  return html`<details>
    <summary>${events.length} events</summary>
    <ul class="small">
      ${events.map((event) => html`<li>${when(event.time)} ${event.message}</li>`)}
    </ul>
  </details>`;
}
