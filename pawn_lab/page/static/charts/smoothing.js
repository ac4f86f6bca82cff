/**
 * Exponential smoothing that does not start at zero.
 *
 * @typedef {import("./series.js").Values} Values
 */

/**
 * The exponential moving average, divided by the weight seen so far (Kingma and Ba 2015, section 3:
 * bias correction), so that its first value is the first of the curve. A gap stays a gap.
 *
 * @param {Values} ys
 * @param {number} weight Of what was before, 0 up to below 1.
 * @returns {Values}
 */
export function smoothed(ys, weight) {
  if (!(weight > 0)) return ys;
  let average = 0;
  let missing = 1;
  return ys.map((y) => {
    if (y === null) return null;
    average = weight * average + (1 - weight) * y;
    missing *= weight;
    return average / (1 - missing);
  });
}
