import { CurvesOf } from "../charts/drawn.js";
import { TimeSeries } from "../charts/timeseries.js";
import { html, useEffect, useState } from "../preact.js";
import { go, link } from "../state.js";

/**
 * The trials of `lab_plot` with all that the dashboard's curves can do, begun with what was asked.
 *
 * @param {{answer: any, args: Record<string, any>}} props
 */
export function LivePlot({ answer, args }) {
  const [begun, setBegun] = useState(false);
  useEffect(() => {
    const { metric, x } = answer;
    const log = { logx: args.log_x ? 1 : null, logy: args.log_y ? 1 : null };
    go(link("", { metric, x, group: args.band ? null : 0, ...log }), { replace: true });
    setBegun(true);
  }, []);
  const trials = answer.curves.flatMap((/** @type {any} */ row) => row.trial_ids);
  return begun
    ? html`<${CurvesOf} trials=${[...new Set(trials)]} />`
    : html`<${Plot} answer=${answer} />`;
}

/** The curves of `lab_plot` as they were sent; those of groups have a band. @param {{answer: any}} props */
export function Plot({ answer }) {
  const { metric, x, curves, note, left_out: leftOut } = answer;
  const banded = curves.filter(hasBand);
  return html`
    <${TimeSeries}
      title=${metric}
      xTitle=${x}
      curves=${curves.filter((/** @type {any} */ row) => !hasBand(row)).map(curveOf)}
      groups=${banded.map(groupOf)}
      marks=${curves.flatMap(marksOf)}
      height=${280}
    />
    ${note && html`<p class="quiet small">${note}</p>`}
    ${leftOut && html`<p class="warn small">Left out: ${leftOut}</p>`}
  `;
}

/** @param {any} row */
function hasBand({ points }) {
  return points[0]?.length === 4;
}

/** @param {any} row */
function curveOf({ trial_ids: [trial], label, points, of }) {
  return {
    trial,
    label,
    group: label,
    variant: "",
    x: column(points, 0),
    y: column(points, 1),
    seen: of,
    sampled: points.length < of,
  };
}

/** @param {any} row */
function groupOf({ trial_ids: trials, label, points }) {
  const [x, mean, low, high] = [0, 1, 2, 3].map((n) => column(points, n));
  return { label, trials, x, mean, low, high, n: x.map(() => trials.length) };
}

/** @param {any} row */
function marksOf({ label, marks = [] }) {
  return marks.map((/** @type {[number, string]} */ [x, kind]) => ({ x, kind, text: kind, label }));
}

/** @param {number[][]} points @param {number} n */
function column(points, n) {
  return points.map((point) => point[n]);
}
