import { TimeSeries } from "../charts/timeseries.js";
import { html } from "../preact.js";

/** The curves of `lab_plot`; those of groups have a band. @param {{answer: any}} props */
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
