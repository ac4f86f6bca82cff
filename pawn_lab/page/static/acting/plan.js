/** What a dry run says: time, cost, memory, and what was tried before. */

import { count, duration, money, number } from "../format.js";
import { html } from "../preact.js";
import { link } from "../state.js";
import { FactList } from "../widgets/facts.js";
import { Json } from "../widgets/json.js";

/** @typedef {{p50: number, p90?: number, most?: number} | null | undefined} Span */

/** @param {{plan: any}} props */
export function Plan({ plan }) {
  const unit = unitOf(plan);
  /** @type {[title: string, value: string | undefined][]} */
  const facts = [
    [`${unit}s`, count(plan[`${unit}s`])],
    [`a ${unit}`, span(plan[`${unit}_s`], (seconds) => `${number(seconds)} s`)],
    ["in all", span(plan.total_s, duration)],
    ["cost", span(plan.cost, money)],
    ["starts in", plan.starts_in_s === undefined ? undefined : duration(plan.starts_in_s)],
    ["before it in the queue", String(plan.queue_position)],
    ["parameters", plan.parameters === undefined ? undefined : count(plan.parameters)],
    ["weights and optimizer", gib(plan.state_gib)],
    ["memory of like trials", gib(plan.measured_gib)],
    ["like trials", String(plan.from_trials)],
  ];
  return html`
    <${FactList} facts=${facts} />
    ${[...(plan.unknown ?? []), ...(plan.confounds ?? [])].map((each) => html`<p class="quiet small">${each}</p>`)}
    ${plan.duplicates && html`<p class="warn">Ran before: <${Trials} ids=${plan.duplicates} /></p>`}
    ${plan.nearest && html`<${Nearest} rows=${plan.nearest} />`}
    <${Json} value=${plan.config} label="The whole config, beyond the defaults" />
  `;
}

const NO_UNITS = ["from_trials", "parameters", "starts_in_s"];

/** What progress is counted in, as step: its number is named after it. @param {any} plan */
function unitOf(plan) {
  const isCount = (/** @type {string} */ name) =>
    name.endsWith("s") && typeof plan[name] === "number" && !NO_UNITS.includes(name);
  return Object.keys(plan).find(isCount)?.slice(0, -1) ?? "step";
}

/** @param {{ids: number[]}} props */
export function Trials({ ids }) {
  return html`${ids.map((id, n) => html`${n > 0 && ", "}<a href=${link("trial", { id })}>trial ${id}</a>`)}`;
}

/** @param {{rows: any[]}} props */
function Nearest({ rows }) {
  return html`<h3>Nearest trials</h3>
    <ul class="small">
      ${rows.map(({ trial_id, state, differs, ...measured }) => {
        const value = Object.entries(measured).map(
          ([name, each]) => `${name.replaceAll("_", " ")} ${each}`,
        );
        const difference = Object.entries(differs).map(
          ([name, [its]]) => `${name} ${JSON.stringify(its)}`,
        );
        return html`<li>
          <${Trials} ids=${[trial_id]} /> ${[state, ...difference, ...value].join(", ")}
        </li>`;
      })}
    </ul>`;
}

/** @param {Span} value @param {(value: number) => string} shown */
function span(value, shown) {
  if (!value) return undefined;
  if (value.p90 !== undefined) return `${shown(value.p50)}, 9 of 10 below ${shown(value.p90)}`;
  return value.most === undefined
    ? shown(value.p50)
    : `${shown(value.p50)}, at most ${shown(value.most)}`;
}

/** @param {number | undefined} size */
function gib(size) {
  return size === undefined ? undefined : `${number(size)} GiB`;
}
