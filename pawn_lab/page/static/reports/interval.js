import { html } from "../preact.js";

const WIDTH = 96;

/**
 * A share with its interval, between 0 and 1; of other numbers nothing is drawn.
 *
 * @param {{value: number | null, low: number, high: number}} props
 */
export function Interval({ value, low, high }) {
  if (low < 0 || high > 1) return null;
  const x = (/** @type {number} */ share) => 1 + share * (WIDTH - 2);
  return html`<svg class="interval" width=${WIDTH} height="14" aria-hidden="true">
    <line class="interval-scale" x1=${x(0)} x2=${x(1)} y1="7" y2="7" />
    <line class="interval-span" x1=${x(low)} x2=${Math.max(x(high), x(low) + 1)} y1="7" y2="7" />
    ${value !== null && html`<line class="interval-value" x1=${x(value)} x2=${x(value)} y1="2" y2="12" />`}
  </svg>`;
}
