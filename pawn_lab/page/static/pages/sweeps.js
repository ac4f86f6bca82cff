/** Sweeps: all of them, and one by its axes, rungs and points. */

import { METRIC, Parallel, isChosen, scales } from "../charts/parallel.js";
import { number, when } from "../format.js";
import { html, useMemo } from "../preact.js";
import { link, useRoute, useView } from "../state.js";
import { settingText } from "../tables/columns.js";
import { Badge } from "../widgets/badge.js";
import { Answered, Empty } from "../widgets/status.js";
import { Table } from "../widgets/table.js";

/** @type {import("./index.js").PageEntry} */
export const sweeps = { name: "sweeps", title: "Sweeps", key: "s", Page };

/**
 * @typedef {import("../charts/parallel.js").Brush} Brush
 * @typedef {{number: number, arm: number, state: string, settings: Record<string, unknown>, stop: number,
 *   values: [step: number, value: number][], trials: {id: number, seed: number, state: string}[],
 *   why: string | null}} Point
 */

function Page() {
  const { params } = useRoute();
  return params.sweep
    ? html`<${OneSweep} key=${params.sweep} number=${params.sweep} />`
    : html`<${AllSweeps} />`;
}

function AllSweeps() {
  const view = useView("sweeps");
  return html`<h1>Sweeps</h1>
    <${Answered} view=${view}>
      ${(/** @type {any} */ answer) =>
        answer.sweeps.length
          ? html`<${Table} caption="Sweeps" columns=${LIST} rows=${answer.sweeps} />`
          : html`<${Empty}>No sweeps yet: lab_sweep launches many trials from one plan.<//>`}
    <//>`;
}

const LIST = [
  { key: "id", title: "sweep", numeric: true, cell: (/** @type {any} */ { id }) => sweepLink(id) },
  {
    key: "state",
    title: "state",
    cell: (/** @type {any} */ { state }) => html`<${Badge} state=${state} />`,
  },
  { key: "run_type", title: "run type" },
  { key: "method", title: "method" },
  { key: "varied", title: "varies", cell: (/** @type {any} */ { varied }) => varied.join(", ") },
  { key: "points", title: "points", cell: (/** @type {any} */ { points }) => counted(points) },
  { key: "seeds", title: "seeds", numeric: true },
  { key: "best", title: "best completed", cell: bestText },
  {
    key: "created_at",
    title: "created",
    numeric: true,
    cell: (/** @type {any} */ row) => when(row.created_at),
  },
  { key: "hypothesis", title: "hypothesis" },
];

/** @param {number} sweep */
function sweepLink(sweep) {
  return html`<a href=${link("sweeps", { sweep })}>${sweep}</a>`;
}

/** @param {Record<string, number>} points */
function counted(points) {
  return Object.entries(points)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}

/** @param {any} row */
function bestText({ best, metric }) {
  return best && `${metric} ${number(best.value)} at ${settingsText(best.settings)}`;
}

/** @param {Record<string, unknown>} settings */
function settingsText(settings) {
  return (
    Object.entries(settings)
      .map(([name, value]) => `${name}=${settingText(value)}`)
      .join(" ") || "the config"
  );
}

/** @param {{number: string}} props */
function OneSweep({ number: sweep }) {
  const view = useView("sweep", { sweep });
  return html`<p class="small"><a href=${link("sweeps")}>All sweeps</a></p>
    <h1>Sweep ${sweep}</h1>
    <${Answered} view=${view}
      >${(/** @type {any} */ answer) => html`<${Shown} sweep=${answer} />`}<//
    >`;
}

/** @param {{sweep: any}} props */
function Shown({ sweep }) {
  const { params, set } = useRoute();
  const points = useMemo(() => sweep.points.map(measured), [sweep]);
  const axes = useMemo(() => scales(sweep.axes, points, sweep), [sweep]);
  const brush = readBrush(params.brush);
  const chosen = points.filter((/** @type {any} */ point) => isChosen(point, axes, brush));
  const leaders = bestOfArms(points, sweep.better);
  const best = new Set(leaders.map(({ number: own }) => own));
  const choose = (/** @type {Brush} */ next) =>
    set({ brush: writtenBrush(next) }, { replace: true });
  return html`<${Facts} sweep=${sweep} />
    <${Leaders} sweep=${sweep} points=${leaders} />
    ${
      points.some((/** @type {any} */ point) => point.value !== null) &&
      html`<${Parallel}
          label=${`Points of sweep ${sweep.id}; the ends of each axis choose a part of it`}
          axes=${axes}
          points=${points}
          best=${best}
          brush=${brush}
          onBrush=${choose}
        />
        <p class="small quiet">
          The best is on top of the last axis. Dashed: not trained to its end, the value is of its
          last rung. Drag the ends of an axis, or move them by arrow keys, to choose points.
          ${params.brush && html`<button class="quiet" onClick=${() => choose({})}>All points</button>`}
        </p>`
    }
    <h2>
      ${chosen.length === points.length ? "Points" : `${chosen.length} of ${points.length} points`}
    </h2>
    <${Table} caption="Points" columns=${pointColumns(sweep, best)} rows=${chosen} />
    <${Events} events=${sweep.events} />`;
}

/** A point with its latest value. @param {Point} point */
function measured(point) {
  const [step, value] = point.values.at(-1) ?? [null, null];
  return { ...point, step, value, ended: point.state === "completed" };
}

/** @param {{sweep: any}} props */
function Facts({ sweep }) {
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
    </div>
    ${hypothesis && html`<p><em>${hypothesis}</em></p>`}`;
}

/** The best point of each arm, and how far it is ahead. @param {{sweep: any, points: any[]}} props */
function Leaders({ sweep, points }) {
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

/** The best of those of each arm that got furthest. @param {any[]} points @param {"low" | "high"} better */
function bestOfArms(points, better) {
  const sign = better === "low" ? 1 : -1;
  const arms = [...new Set(points.map(({ arm }) => arm))];
  return arms.flatMap((arm) => {
    const valued = points.filter((point) => point.arm === arm && point.value !== null);
    const furthest = Math.max(...valued.map(({ step }) => step));
    const [best] = valued
      .filter(({ step }) => step === furthest)
      .sort((a, b) => sign * (a.value - b.value));
    return best ? [best] : [];
  });
}

/** @param {any} sweep @param {Set<number>} best */
function pointColumns(sweep, best) {
  const at = (/** @type {number} */ step) => (/** @type {Point} */ point) =>
    point.values.find(([own]) => own === step)?.[1] ?? null;
  return [
    {
      key: "number",
      title: "point",
      numeric: true,
      cell: (/** @type {Point} */ point) => pointName(point, best),
    },
    {
      key: "state",
      title: "state",
      cell: (/** @type {Point} */ { state }) => html`<${Badge} state=${state} />`,
    },
    ...sweep.axes.map((/** @type {any} */ { field }) => ({
      key: `set ${field}`,
      title: field,
      numeric: true,
      value: (/** @type {Point} */ point) => scalar(point.settings[field]),
      cell: (/** @type {Point} */ point) => settingText(point.settings[field]),
    })),
    ...sweep.rungs.map((/** @type {number} */ rung) => ({
      key: `rung ${rung}`,
      title: `${sweep.metric} at ${number(rung)}`,
      numeric: true,
      value: at(rung),
    })),
    {
      key: METRIC,
      title: `${sweep.metric} at its end`,
      numeric: true,
      value: (/** @type {Point} */ point) => at(point.stop)(point),
    },
    { key: "trials", title: "trials", cell: trialLinks },
    { key: "why", title: "why it went no further" },
  ];
}

/** @param {Point} point @param {Set<number>} best */
function pointName({ number: name }, best) {
  return best.has(name) ? html`<strong>${name}<span class="small"> best</span></strong>` : name;
}

/** @param {unknown} value */
function scalar(value) {
  return typeof value === "number" ? value : settingText(value);
}

/** @param {Point} point */
function trialLinks({ trials }) {
  return trials.map(
    ({ id, seed, state }, n) =>
      html`${n > 0 && ", "}<a href=${link("trial", { id })} title=${`seed ${seed}, ${state}`}
          >${id}</a
        >`,
  );
}

/** @param {{events: {time: number, message: string}[]}} props */
function Events({ events }) {
  return html`<details>
    <summary>${events.length} events</summary>
    <ul class="small">
      ${events.map((event) => html`<li>${when(event.time)} ${event.message}</li>`)}
    </ul>
  </details>`;
}

/** A choice as the address has it: `lr:0..0.5,=value:0.8..1`. @param {string | undefined} text @returns {Brush} */
function readBrush(text) {
  const parts = (text ?? "").split(",").map((each) => /^(.+):([\d.]+)\.\.([\d.]+)$/.exec(each));
  return Object.fromEntries(
    parts.flatMap((part) => (part ? [[part[1], [Number(part[2]), Number(part[3])]]] : [])),
  );
}

/** @param {Brush} brush */
function writtenBrush(brush) {
  return Object.entries(brush)
    .map(([key, [low, high]]) => `${key}:${low}..${high}`)
    .join(",");
}
