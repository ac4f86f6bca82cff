/** Colours that colour-blind people can tell apart, and dashes where these run out. */

/**
 * How a curve is drawn.
 *
 * @typedef {object} Style
 * @property {string} color Name of a CSS variable: the theme gives its value.
 * @property {number[]} dash Lengths in pixels; none is a solid line.
 */

const COLORS = 8;
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

/** Style of the curve with a number; after 32 they repeat. @param {number} index @returns {Style} */
export function styleAt(index) {
  const dash = DASHES[Math.floor(index / COLORS) % DASHES.length];
  return { color: `--curve-${(index % COLORS) + 1}`, dash };
}

/**
 * A style for each label, by their order: whatever is hidden later, a label keeps its own.
 *
 * @param {Iterable<string>} labels
 * @returns {Map<string, Style>}
 */
export function stylesOf(labels) {
  return new Map([...new Set(labels)].map((label, index) => [label, styleAt(index)]));
}

/** The value that a CSS variable has at an element. @param {Element} element @param {string} name */
export function colorAt(element, name) {
  return getComputedStyle(element).getPropertyValue(name).trim();
}
