/** The charts of several metrics side by side, with one cursor, zoom and choice of what is hidden. */

import { html, useMemo } from "../preact.js";
import { chartsOf, labelsOf } from "./answers.js";
import { stylesOf } from "./palette.js";
import { TimeSeries } from "./timeseries.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./plot.js").Zoom} Zoom
 *
 * @typedef {{title: string, metrics: string[], logy?: boolean}} Panel
 *
 * @typedef {object} Settings
 * @property {number} smooth
 * @property {boolean} logx
 * @property {boolean | null} logy Null: as the panel of a metric says.
 * @property {boolean} grouped Seeds as their mean and band.
 * @property {boolean} thin Single seeds behind their groups.
 */

/** @type {Settings} */
export const USUAL = { smooth: 0, logx: false, logy: null, grouped: true, thin: true };

/** Titles of the axes that are no metric. @type {Record<string, string>} */
export const AXES = { step: "step", tokens: "tokens", hours: "device-hours", cost: "cost" };

const MOST_LINES = 50;

/**
 * @param {object} props
 * @param {Answer} props.answer
 * @param {Panel[]} [props.panels] Headings over the charts; without them there are none.
 * @param {Settings} [props.settings]
 * @param {Zoom} [props.zoom]
 * @param {(zoom: Zoom) => void} [props.onZoom]
 * @param {string[]} [props.hidden]
 * @param {(labels: string[]) => void} [props.onHide]
 */
export function Charts({ answer, panels, settings = USUAL, ...shared }) {
  const drawn = useMemo(
    () => limited(settings.grouped ? answer : ungrouped(answer)),
    [answer, settings.grouped],
  );
  const charts = useMemo(() => chartsOf(drawn), [drawn]);
  const labels = labelsOf(drawn);
  const styles = useMemo(() => stylesOf(labels), [labels.join("\n")]);
  const left = labelsOf(answer).length - labels.length;
  const chart = (/** @type {typeof charts[number]} */ own) =>
    html`<div class="card" key=${own.metric.name}>
      <${TimeSeries}
        ...${shared}
        ...${own}
        title=${own.metric.title}
        xTitle=${axisTitle(answer)}
        styles=${styles}
        smooth=${settings.smooth}
        thin=${settings.thin}
        logx=${settings.logx}
        logy=${settings.logy ?? isLogarithmic(own.metric.name, panels)}
      />
    </div>`;
  return html`
    ${settings.grouped && left > 0 && html`<p class="quiet">${`The first ${MOST_LINES} of ${left + labels.length} groups are drawn: choose fewer trials to see the others.`}</p>`}
    <div class="chart-sections">
      ${sections(charts, panels).map(
        ({ title, own }) =>
          html`<section key=${title} style="--charts: ${own.length}">
            ${title && html`<h2>${title}</h2>`}
            <div class="grid charts">${own.map(chart)}</div>
          </section>`,
      )}
    </div>
  `;
}

/** @param {Answer} answer */
function axisTitle({ x, metrics }) {
  const name = x.replace(/^metric:/, "");
  return AXES[x] ?? metrics.find((metric) => metric.name === name)?.title ?? name;
}

/** @param {Answer} answer @returns {Answer} */
function ungrouped(answer) {
  return { ...answer, groups: [] };
}

/** What a screen can tell apart. @param {Answer} answer @returns {Answer} */
function limited(answer) {
  const labels = labelsOf(answer).slice(0, MOST_LINES);
  const kept = (/** @type {any} */ item) =>
    labels.includes(item.label) || labels.includes(item.group);
  return { ...answer, curves: answer.curves.filter(kept), groups: answer.groups.filter(kept) };
}

/** @param {string} name @param {Panel[] | undefined} panels */
function isLogarithmic(name, panels) {
  return panels?.find((panel) => panel.metrics.includes(name))?.logy === true;
}

/**
 * Charts under the headings of their panels; what no panel names comes first.
 *
 * @template {{metric: {name: string}}} T
 * @param {T[]} charts
 * @param {Panel[]} [panels]
 * @returns {{title: string, own: T[]}[]}
 */
function sections(charts, panels = []) {
  const named = panels.map(({ title, metrics }) => ({
    title,
    own: charts.filter((chart) => metrics.includes(chart.metric.name)),
  }));
  const placed = new Set(named.flatMap(({ own }) => own));
  const rest = { title: "", own: charts.filter((chart) => !placed.has(chart)) };
  return [rest, ...named].filter(({ own }) => own.length);
}
