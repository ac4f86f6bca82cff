/** Positions and round numbers along an axis. */

import { count, number } from "../format.js";

/** @typedef {{at(value: number): number, ticks: number[]}} Axis at: pixels of a value. */

const COUNT = 5;

/**
 * A linear or logarithmic axis between two pixels.
 *
 * @param {[number, number]} range Values at its ends.
 * @param {[number, number]} pixels
 * @param {boolean} [logarithmic]
 * @returns {Axis}
 */
export function axis([low, high], [from, to], logarithmic = false) {
  const part = logarithmic
    ? (/** @type {number} */ value) => Math.log(value / low) / Math.log(high / low)
    : (/** @type {number} */ value) => (value - low) / (high - low);
  return {
    at: (value) => from + part(value) * (to - from),
    ticks: ticks([low, high], logarithmic, COUNT),
  };
}

/**
 * Round numbers within a range, about so many; on a logarithmic axis powers of ten, where it has
 * few of them also twice and five times these, where it has none round numbers.
 *
 * @param {[number, number]} range
 * @param {boolean} logarithmic
 * @param {number} most
 * @returns {number[]}
 */
export function ticks([low, high], logarithmic, most) {
  const count = Math.max(2, most);
  if (!logarithmic) return rounds(low, high, count);
  const found = decades(low, high, count);
  return found.length > 1 ? found : rounds(low, high, count);
}

/** Multiples of 1, 2 or 5 times a power of ten. @param {number} low @param {number} high @param {number} count */
function rounds(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => round((first + i) * step));
}

/** @param {number} low @param {number} high @param {number} count */
function decades(low, high, count) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const skip = Math.ceil((last - first) / count);
  const factors = 3 * (last - first) <= 2 * count ? [1, 2, 5] : [1];
  const found = [];
  for (let power = first; power <= last; power += skip) {
    found.push(...factors.map((factor) => round(factor * 10 ** power)));
  }
  return found.filter((tick) => tick >= low && tick <= high);
}

/** Without the last digits, which are errors of rounding. @param {number} value */
function round(value) {
  return Number(value.toPrecision(12));
}

/** A tick as it is written. @param {number} value */
export function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e15 || (size < 1e-3 && size > 0)) return value.toExponential().replace("e+", "e");
  return size >= 1000 ? count(value) : number(value);
}
