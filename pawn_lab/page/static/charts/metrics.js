/** Which metrics are drawn, by the panels of their run types. */

import { html } from "../preact.js";

/**
 * @typedef {{name: string, title: string}} Metric
 * @typedef {import("./panels.js").Panel} Panel
 *
 * @typedef {{merit: Metric, metrics: Metric[], panels: Panel[], pending: number[]}} Metrics Answer of
 *   the view `metrics`.
 */

/** A question names at most so many. */
const MOST_METRICS = 24;

/**
 * What is drawn unasked: the first panel that has the merit, or every one.
 *
 * @param {Metrics} metrics
 * @param {boolean} everyPanel
 * @returns {string[]}
 */
export function usualMetrics({ merit, panels }, everyPanel) {
  if (everyPanel) return panels.flatMap((panel) => panel.metrics).slice(0, MOST_METRICS);
  const first = panels.find((panel) => panel.metrics.includes(merit.name)) ?? panels[0];
  return first?.metrics ?? [merit.name];
}

/** @param {{metrics: Metrics, chosen: string[], onChange: (names: string[]) => void}} props */
export function ChosenMetrics({ metrics, chosen, onChange }) {
  const titles = new Map(metrics.metrics.map(({ name, title }) => [name, title]));
  const titleOf = (/** @type {string} */ name) => titles.get(name) ?? name;
  return html`<details class="chart-choice">
    <summary>Metrics: ${chosen.map(titleOf).join(", ")}</summary>
    ${metrics.panels.map((panel) => html`<${PanelTicks} key=${panel.title} ...${{ panel, titleOf, chosen, onChange }} />`)}
  </details>`;
}

/** @param {{panel: Panel, titleOf: (name: string) => string, chosen: string[], onChange: (names: string[]) => void}} props */
function PanelTicks({ panel, titleOf, chosen, onChange }) {
  const toggled = (/** @type {string} */ name) =>
    chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name];
  return html`<fieldset>
    <legend>
      <button type="button" class="quiet" onClick=${() => onChange(panel.metrics)}>
        only ${panel.title}
      </button>
    </legend>
    ${panel.metrics.map(
      (name) =>
        html`<label class="tick" key=${name}>
          <input
            type="checkbox"
            checked=${chosen.includes(name)}
            onChange=${() => onChange(toggled(name))}
          />
          ${titleOf(name)}
        </label>`,
    )}
  </fieldset>`;
}
