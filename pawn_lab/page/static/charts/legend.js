/** The curves of a chart by name, with their values at the cursor; a click hides and shows. */

import { number } from "../format.js";
import { html } from "../preact.js";
import { valueAt } from "./series.js";

const MOST_SAID = 5;

/**
 * @typedef {import("./scene.js").Line} Line
 *
 * @param {object} props
 * @param {Line[]} props.lines
 * @param {string[]} props.hidden
 * @param {number | null} props.at Where the cursor is on x.
 * @param {(labels: string[]) => void} props.onHide
 */
export function Legend({ lines, hidden, at, onHide }) {
  const labels = lines.map((line) => line.label);
  const toggled = (/** @type {string} */ label) =>
    hidden.includes(label) ? hidden.filter((other) => other !== label) : [...hidden, label];
  const alone = (/** @type {string} */ label) => labels.filter((other) => other !== label);
  const onClick = (/** @type {MouseEvent} */ event, /** @type {string} */ label) =>
    onHide(event.shiftKey ? alone(label) : toggled(label));
  return html`<ul class="chart-legend">
    ${lines.map(
      (line) =>
        html`<li key=${line.label}>
          <button
            type="button"
            aria-pressed=${!hidden.includes(line.label)}
            title="Hide or show ${line.label}; with shift, show it alone"
            onClick=${(/** @type {MouseEvent} */ event) => onClick(event, line.label)}
          >
            <${Swatch} line=${line} /><span class="chart-label">${line.label}</span>
            <span class="chart-value">${valueText(line, at)}</span>
          </button>
        </li>`,
    )}
  </ul>`;
}

/** @param {{line: Line}} props */
function Swatch({ line }) {
  return html`<svg class="chart-swatch" width="22" height="10" aria-hidden="true">
    ${line.low && html`<rect width="22" height="10" fill="var(${line.style.color})" opacity="0.2" />`}
    <line
      x1="0"
      x2="22"
      y1="5"
      y2="5"
      stroke="var(${line.style.color})"
      stroke-width="2.5"
      stroke-dasharray=${line.style.dash.join(" ")}
    />
  </svg>`;
}

/**
 * The values at the cursor as a sentence, of the first few curves.
 *
 * @param {Line[]} lines
 * @param {number} at
 */
export function saidAt(lines, at) {
  const values = lines
    .slice(0, MOST_SAID)
    .map((line) => `${line.label} ${valueText(line, at) || "–"}`);
  return values.join(", ");
}

/** @param {Line} line @param {number | null} at */
function valueText(line, at) {
  const read = (/** @type {import("./series.js").Values} */ ys) =>
    at === null ? null : valueAt(line.x, ys, at);
  const value = read(line.y);
  if (value === null) return "";
  const [low, high] = [line.low && read(line.low), line.high && read(line.high)];
  return typeof low === "number" && typeof high === "number" && low < high
    ? `${number(value)} (${number(low)} to ${number(high)})`
    : number(value);
}
