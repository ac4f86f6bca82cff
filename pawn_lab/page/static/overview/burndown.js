/** Money over time: what is left of the budget and when it will be gone, or what was spent. */

import { axis, tickText } from "../charts/ticks.js";
import { useWidth } from "../charts/width.js";
import { duration, money, when } from "../format.js";
import { html } from "../preact.js";

const HEIGHT = 170;
const LEFT = 44;
const EDGE = 8;
const BOTTOM = 22;
const LEAST_AHEAD_S = 3600;

/** @typedef {[time: number, value: number]} Turn */

/** @param {{spending: any}} props */
export function BurnDown({ spending }) {
  const [host, width] = useWidth();
  const course = courseOf(spending);
  return html`<figure class="burn-down" ref=${host}>
    <figcaption class="small quiet">${course.title}</figcaption>
    ${width > 0 && course.past.length > 1 && html`<${Drawn} course=${course} width=${width} />`}
  </figure>`;
}

/** What is drawn: what was, and what will be at the pace of now. @param {any} spending */
export function courseOf(spending) {
  const { budget, spent_at } = spending;
  const machine = budget ? budget.basis === "machine_time" : false;
  /** @type {Turn[]} */
  const spent = machine ? spending.machine_time : spending.device_time;
  if (!budget) return { title: "Spent on trials", past: spent, ahead: /** @type {Turn[]} */ ([]) };
  const past = spent.map(([time, total]) => /** @type {Turn} */ ([time, budget.budget - total]));
  return {
    title: `Left of the budget of ${money(budget.budget)}`,
    past,
    ahead: aheadOf(past, spent_at),
  };
}

/** A line to nothing; of a far end only its beginning. @param {Turn[]} past @param {number | null} end @returns {Turn[]} */
function aheadOf(past, end) {
  const last = past.at(-1);
  if (!last || end === null || end <= last[0]) return [];
  const longest = Math.max(LEAST_AHEAD_S, last[0] - past[0][0]);
  const share = Math.min(1, longest / (end - last[0]));
  return [last, [last[0] + share * (end - last[0]), last[1] * (1 - share)]];
}

/** @param {{course: ReturnType<typeof courseOf>, width: number}} props */
function Drawn({ course, width }) {
  const all = [...course.past, ...course.ahead];
  const most = Math.max(...all.map(([, value]) => value), 1e-9);
  const [first, last] = [all[0][0], all[all.length - 1][0]];
  const x = axis([first, Math.max(last, first + 1)], [LEFT, width - EDGE]);
  const y = axis([Math.min(0, ...all.map(([, value]) => value)), most], [HEIGHT - BOTTOM, EDGE]);
  const path = (/** @type {Turn[]} */ turns) =>
    turns.map(([t, v]) => `${x.at(t).toFixed(1)},${y.at(v).toFixed(1)}`).join(" ");
  return html`<svg width=${width} height=${HEIGHT} role="img" aria-label=${said(course)}>
    ${y.ticks.map(
      (value) =>
        html`<g key=${value}>
          <line
            class="burn-grid"
            x1=${LEFT}
            x2=${width - EDGE}
            y1=${y.at(value)}
            y2=${y.at(value)}
          />
          <text x=${LEFT - 6} y=${y.at(value) + 4} text-anchor="end">${tickText(value)}</text>
        </g>`,
    )}
    <polyline class="burn-past" points=${path(course.past)} />
    ${course.ahead.length > 0 && html`<polyline class="burn-ahead" points=${path(course.ahead)} />`}
    <text x=${LEFT} y=${HEIGHT - 4}>${when(first)}</text>
    <text x=${width - EDGE} y=${HEIGHT - 4} text-anchor="end">${when(last)}</text>
  </svg>`;
}

/** @param {ReturnType<typeof courseOf>} course */
function said({ title, past, ahead }) {
  const [first, last] = [past[0], past[past.length - 1]];
  const course = `${title}: ${money(first[1])} ${duration(last[0] - first[0])} ago, ${money(last[1])} now`;
  return ahead.length
    ? `${course}; ${money(ahead[1][1])} in ${duration(ahead[1][0] - last[0])} at this pace`
    : course;
}
