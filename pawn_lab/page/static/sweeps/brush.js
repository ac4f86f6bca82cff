/** What is chosen of the axes of a sweep, as the address has it: `lr:0..0.5,=value:0.8..1`. */

/** @typedef {import("../charts/parallel.js").Brush} Brush */

/** @param {string | undefined} text @returns {Brush} */
export function readBrush(text) {
  const parts = (text ?? "").split(",").map((each) => /^(.+):([\d.]+)\.\.([\d.]+)$/.exec(each));
  return Object.fromEntries(
    parts.flatMap((part) => (part ? [[part[1], [Number(part[2]), Number(part[3])]]] : [])),
  );
}

/** @param {Brush} brush */
export function writtenBrush(brush) {
  return Object.entries(brush)
    .map(([key, [low, high]]) => `${key}:${low}..${high}`)
    .join(",");
}
