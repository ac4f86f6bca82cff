/** Sweeps: all of them, and one by its axes, rungs and points. */

import { Parallel, isChosen, scales } from "../charts/parallel.js";
import { number, when } from "../format.js";
import { html, useMemo } from "../preact.js";
import { link, useRoute, useView } from "../state.js";
import { readBrush, writtenBrush } from "../sweeps/brush.js";
import { Rungs, bestOfArms, measured, pointColumns } from "../sweeps/points.js";
import { Events, Facts, Leaders, settingsText } from "../sweeps/summary.js";
import { Badge } from "../widgets/badge.js";
import { Answered, Empty } from "../widgets/status.js";
import { Table } from "../widgets/table.js";

/** @type {import("./index.js").PageEntry} */
export const sweeps = { name: "sweeps", title: "Sweeps", key: "s", ofLab: true, Page };

/**
 * @typedef {import("../charts/parallel.js").Brush} Brush
 * @typedef {import("../sweeps/points.js").Point} Point
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
  const points = useMemo(() => /** @type {Point[]} */ (sweep.points.map(measured)), [sweep]);
  const axes = useMemo(() => scales(sweep.axes, points, sweep), [sweep]);
  const brush = readBrush(params.brush);
  const chosen = useMemo(
    () => points.filter((point) => isChosen(point, axes, brush)),
    [points, axes, params.brush],
  );
  const leaders = bestOfArms(points, sweep.better);
  const best = new Set(leaders.map(({ number: own }) => own));
  const choose = (/** @type {Brush} */ next) =>
    set({ brush: writtenBrush(next) }, { replace: true });
  return html`<${Facts} sweep=${sweep} />
    <${Leaders} sweep=${sweep} points=${leaders} />
    ${
      points.some((point) => point.value !== null) &&
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
    <${Rungs} sweep=${sweep} points=${chosen} />
    <h2>
      ${chosen.length === points.length ? "Points" : `${chosen.length} of ${points.length} points`}
    </h2>
    <${Table} caption="Points" columns=${pointColumns(sweep, best)} rows=${chosen} />
    <${Events} events=${sweep.events} />`;
}
