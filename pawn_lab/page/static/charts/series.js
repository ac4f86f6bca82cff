/**
 * Questions to columns of numbers: where a value is, and between which values they lie.
 *
 * @typedef {(number | null)[]} Values null is a gap.
 */

/** First index whose value is not below `x`. @param {number[]} xs Ascending. @param {number} x */
export function firstFrom(xs, x) {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Index of the point nearest to `x`; none outside of the curve.
 *
 * @param {number[]} xs Ascending.
 * @param {number} x
 */
export function nearest(xs, x) {
  if (!xs.length || x < xs[0] || x > xs[xs.length - 1]) return null;
  const after = firstFrom(xs, x);
  const before = after - 1;
  return before >= 0 && x - xs[before] < xs[after] - x ? before : after;
}

/** The value of a column nearest to `x`. @param {number[]} xs @param {Values} ys @param {number} x */
export function valueAt(xs, ys, x) {
  const index = nearest(xs, x);
  return index === null ? null : ys[index];
}

/**
 * Indices [first, end) of the points between two values, and one more at each end.
 *
 * @param {number[]} xs Ascending.
 * @param {[number, number]} frame
 * @returns {[number, number]}
 */
export function shown(xs, [low, high]) {
  return [Math.max(0, firstFrom(xs, low) - 1), Math.min(xs.length, firstFrom(xs, high) + 1)];
}

/** Least and greatest value so far. */
export class Extent {
  low = Infinity;
  high = -Infinity;

  /** @param {number | null} value */
  add(value) {
    if (value === null || !Number.isFinite(value)) return;
    if (value < this.low) this.low = value;
    if (value > this.high) this.high = value;
  }

  /** @param {Values} values @param {number} [first] @param {number} [end] */
  addAll(values, first = 0, end = values.length) {
    for (let i = first; i < end; i++) this.add(values[i]);
  }

  /**
   * The range to show: a share of it as margin; around a single value, or nothing, some room.
   *
   * @param {boolean} logarithmic
   * @param {number} margin Share of the range added at each end.
   * @returns {[number, number]}
   */
  range(logarithmic, margin) {
    if (this.low > this.high) return logarithmic ? [0.1, 10] : [0, 1];
    if (logarithmic) {
      const factor = this.low === this.high ? 2 : (this.high / this.low) ** margin;
      return [this.low / factor, this.high * factor];
    }
    const room =
      this.low === this.high ? Math.abs(this.low) / 10 || 1 : margin * (this.high - this.low);
    return [this.low - room, this.high + room];
  }
}
