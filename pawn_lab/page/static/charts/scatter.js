/** One value against another, a point a run, with the line through the best of both. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { stylesOf } from "./palette.js";
import { Extent } from "./series.js";
import { axis, tickText } from "./ticks.js";
import { useWidth } from "./width.js";

/**
 * @typedef {object} Point
 * @property {number} x
 * @property {number} y
 * @property {string} label
 * @property {string} [to] Address that it leads to.
 * @property {string} [group] Points of a group have one colour.
 * @property {boolean} [front] No other point is better in both.
 */

const HEIGHT = 320;
const LEFT = 58;
const BOTTOM = 40;
const EDGE = 12;

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.xTitle
 * @param {string} props.yTitle
 * @param {Point[]} props.points
 * @param {boolean} [props.logx]
 * @param {boolean} [props.logy]
 * @param {boolean} [props.front] Whether a line goes through the points of the front.
 */
export function Scatter({
  title,
  xTitle,
  yTitle,
  points,
  logx = false,
  logy = false,
  front = false,
}) {
  const [host, available] = useWidth();
  const width = Math.max(220, available);
  const drawn = points.filter((point) => (!logx || point.x > 0) && (!logy || point.y > 0));
  const x = axis(
    range(
      drawn.map((point) => point.x),
      logx,
    ),
    [LEFT, width - EDGE],
    logx,
  );
  const y = axis(
    range(
      drawn.map((point) => point.y),
      logy,
    ),
    [HEIGHT - BOTTOM, EDGE],
    logy,
  );
  const best = drawn.filter((point) => point.front).sort((a, b) => a.x - b.x);
  const left = points.length - drawn.length;
  return html`<figure class="chart" ref=${host}>
    <figcaption><h3>${title}</h3></figcaption>
    <svg
      class="scatter"
      width=${width}
      height=${HEIGHT}
      role="group"
      aria-label="${title}: ${yTitle} by ${xTitle}, ${drawn.length} points"
    >
      <${Axes} ...${{ x, y, xTitle, yTitle, width }} />
      ${front && html`<polyline class="scatter-front" points=${best.map((point) => `${x.at(point.x)},${y.at(point.y)}`).join(" ")} />`}
      ${dots(drawn, x, y, xTitle, yTitle)}
    </svg>
    ${left > 0 && html`<p class="chart-remark">${left} of ${points.length} at or below 0: not on a logarithmic axis.</p>`}
  </figure>`;
}

/** @param {number[]} values @param {boolean} logarithmic */
function range(values, logarithmic) {
  const extent = new Extent();
  extent.addAll(values);
  return extent.range(logarithmic, 0.05);
}

/** @param {{x: import("./ticks.js").Axis, y: import("./ticks.js").Axis, xTitle: string, yTitle: string, width: number}} props */
function Axes({ x, y, xTitle, yTitle, width }) {
  const bottom = HEIGHT - BOTTOM;
  return html`<g class="chart-axes" aria-hidden="true">
    ${x.ticks.map(
      (tick) =>
        html`<line x1=${x.at(tick)} x2=${x.at(tick)} y1=${EDGE} y2=${bottom} />
          <text x=${x.at(tick)} y=${bottom + 14} text-anchor="middle">${tickText(tick)}</text>`,
    )}
    ${y.ticks.map(
      (tick) =>
        html`<line x1=${LEFT} x2=${width - EDGE} y1=${y.at(tick)} y2=${y.at(tick)} />
          <text x=${LEFT - 6} y=${y.at(tick) + 4} text-anchor="end">${tickText(tick)}</text>`,
    )}
    <text x=${(LEFT + width) / 2} y=${HEIGHT - 6} text-anchor="middle">${xTitle}</text>
    <text x="12" y=${bottom / 2} text-anchor="middle" transform="rotate(-90 12 ${bottom / 2})"
      >${yTitle}</text
    >
  </g>`;
}

/** @param {Point[]} points @param {import("./ticks.js").Axis} x @param {import("./ticks.js").Axis} y @param {string} xTitle @param {string} yTitle */
function dots(points, x, y, xTitle, yTitle) {
  const styles = stylesOf(points.map((point) => point.group ?? ""));
  return points.map((point) => {
    const said = `${point.label}: ${xTitle} ${number(point.x)}, ${yTitle} ${number(point.y)}`;
    const color = styles.get(point.group ?? "")?.color;
    const dot = html`<circle
      cx=${x.at(point.x)}
      cy=${y.at(point.y)}
      r=${point.front ? 5.5 : 4}
      style="fill: var(${color})"
      ><title>${said}</title></circle
    >`;
    return point.to
      ? html`<a key=${point.label} href=${point.to} aria-label=${said}>${dot}</a>`
      : html`<g key=${point.label} role="img" aria-label=${said}>${dot}</g>`;
  });
}
