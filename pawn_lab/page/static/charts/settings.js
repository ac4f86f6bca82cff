/** How curves are drawn: axis, smoothing, logarithms, groups. */

import { html } from "../preact.js";
import { Choice, Tick } from "../widgets/form.js";
import { AXES } from "./panels.js";

/**
 * @typedef {import("./panels.js").Settings} Settings
 *
 * @param {object} props
 * @param {string} [props.x] "step", "tokens", "hours", "cost" or "metric:NAME".
 * @param {Settings} props.settings
 * @param {{name: string, title: string}[]} [props.metrics] Those that may be an axis.
 * @param {(x: string) => void} [props.onAxis] Without it the axis is not to be chosen.
 * @param {(patch: Partial<Settings>) => void} props.onChange
 */
export function ChartSettings({ x, settings, metrics = [], onAxis, onChange }) {
  /** @type {[string, string][]} */
  const axes = [...Object.entries(AXES), ...metrics.map(axisOf)];
  const tick = (/** @type {string} */ label, /** @type {keyof Settings} */ name) =>
    html`<${Tick}
      label=${label}
      checked=${Boolean(settings[name])}
      onChange=${(/** @type {boolean} */ on) => onChange({ [name]: on })}
    />`;
  return html`<div class="row">
    ${onAxis && html`<${Choice} label="x" value=${x} options=${axes} onChange=${onAxis} />`}
    <${Smoothing}
      value=${settings.smooth}
      onChange=${(/** @type {number} */ smooth) => onChange({ smooth })}
    />
    ${tick("log x", "logx")} ${tick("log y", "logy")} ${tick("groups of seeds", "grouped")}
    ${settings.grouped && tick("single seeds", "thin")}
  </div>`;
}

/** @param {{name: string, title: string}} metric @returns {[string, string]} */
function axisOf({ name, title }) {
  return [`metric:${name}`, title];
}

/** @param {{value: number, onChange: (value: number) => void}} props */
function Smoothing({ value, onChange }) {
  const read = (/** @type {any} */ event) => onChange(Number(event.target.value));
  return html`<label class="choice">
    smoothing
    <input type="range" min="0" max="0.99" step="0.01" value=${value} onInput=${read} />
    <output>${value.toFixed(2)}</output>
  </label>`;
}
