/** The points of a sweep: a table with a column for each rung, and their way from rung to rung. */

import { stylesOf } from "../charts/palette.js";
import { METRIC } from "../charts/parallel.js";
import { TimeSeries } from "../charts/timeseries.js";
import { number } from "../format.js";
import { html, useMemo } from "../preact.js";
import { link } from "../state.js";
import { settingText } from "../tables/columns.js";
import { Badge } from "../widgets/badge.js";

/**
 * @typedef {object} Sent A point as the view `sweep` has it.
 * @property {number} number
 * @property {number} arm
 * @property {string} state
 * @property {Record<string, unknown>} settings
 * @property {number} stop Where it is trained to its end.
 * @property {[step: number, value: number][]} values
 * @property {{id: number, seed: number, state: string}[]} trials
 * @property {string | null} why
 *
 * @typedef {Sent & {step: number | null, value: number | null, ended: boolean}} Point
 */

/** A point with its latest value. @param {Sent} point @returns {Point} */
export function measured(point) {
  const [step, value] = point.values.at(-1) ?? [null, null];
  return { ...point, step, value, ended: point.state === "completed" };
}

/** The best of those of each arm that got furthest. @param {Point[]} points @param {"low" | "high"} better */
export function bestOfArms(points, better) {
  const sign = better === "low" ? 1 : -1;
  const arms = [...new Set(points.map(({ arm }) => arm))];
  return arms.flatMap((arm) => {
    const valued = points.filter((point) => point.arm === arm && point.value !== null);
    const furthest = Math.max(...valued.map(({ step }) => Number(step)));
    const [best] = valued
      .filter(({ step }) => step === furthest)
      .sort((a, b) => sign * (Number(a.value) - Number(b.value)));
    return best ? [best] : [];
  });
}

/** The metric of points at the rungs that they have reached. @param {{sweep: any, points: Point[]}} props */
export function Rungs({ sweep, points }) {
  const curves = useMemo(
    () =>
      points
        .filter(({ values }) => values.length > 0)
        .map(({ number: own, values }) => ({
          label: pointLabel(own),
          x: values.map(([step]) => step),
          y: values.map(([, value]) => value),
        })),
    [points],
  );
  const styles = useMemo(
    () => stylesOf(sweep.points.map((/** @type {Sent} */ { number: own }) => pointLabel(own))),
    [sweep],
  );
  if (curves.length === 0 || sweep.rungs.length === 0) return null;
  return html`<${TimeSeries}
    title=${`${sweep.title} at each rung`}
    xTitle=${sweep.unit}
    curves=${curves}
    styles=${styles}
    logx
  />`;
}

/** @param {number} own */
function pointLabel(own) {
  return `point ${own}`;
}

/** The columns of the table of points. @param {any} sweep @param {Set<number>} best */
export function pointColumns(sweep, best) {
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
