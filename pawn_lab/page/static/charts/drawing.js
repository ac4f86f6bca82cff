/** Curves, bands, marks and floors on the canvas of a plot. */

import { colorAt } from "./palette.js";
import { shown } from "./series.js";

/**
 * @typedef {import("uplot")} Plot
 * @typedef {import("./scene.js").Line} Line
 * @typedef {import("./scene.js").Scene} Scene
 */

const MARKS = 40;
/** Glyph of a mark by its kind; other kinds have a ring. @type {Record<string, string>} */
export const GLYPHS = { resume: "▲", "learning rate": "◆" };

/** Draw a scene between the axes. @param {Plot} plot @param {Scene} scene */
export function draw(plot, scene) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const line of scene.lines) if (line.low && line.high) drawBand(plot, line);
  drawFloors(plot, scene);
  for (const line of scene.lines) drawLine(plot, line);
  drawMarks(plot, scene);
  ctx.restore();
}

/** @param {Plot} plot @returns {[number, number]} */
function frame(plot) {
  return [plot.scales.x.min ?? 0, plot.scales.x.max ?? 0];
}

/** @param {Plot} plot @param {Line} line */
function drawLine(plot, line) {
  const { ctx } = plot;
  ctx.globalAlpha = line.alpha;
  ctx.strokeStyle = ctx.fillStyle = colorAt(plot.root, line.style.color);
  ctx.lineWidth = line.width * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.setLineDash(line.style.dash.map((length) => length * devicePixelRatio));
  ctx.stroke(path(plot, line));
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/** The line between gaps; a point alone between them is a dot. @param {Plot} plot @param {Line} line */
function path(plot, line) {
  const drawn = new Path2D();
  const { x, y } = line;
  const [first, end] = shown(x, frame(plot));
  let open = false;
  for (let i = first; i < end; i++) {
    const value = y[i];
    if (value !== null) {
      const [left, top] = [plot.valToPos(x[i], "x", true), plot.valToPos(value, "y", true)];
      if (open) drawn.lineTo(left, top);
      else drawn.moveTo(left, top);
      if (!open && (i + 1 >= x.length || y[i + 1] === null))
        drawn.arc(left, top, 2 * devicePixelRatio, 0, 7);
    }
    open = value !== null;
  }
  return drawn;
}

/** Fill between the edges of a band. @param {Plot} plot @param {Line} line */
function drawBand(plot, line) {
  const { ctx } = plot;
  ctx.globalAlpha = line.forecast ? 0.14 : 0.2;
  ctx.fillStyle = colorAt(plot.root, line.style.color);
  for (const [first, end] of pieces(line, shown(line.x, frame(plot))))
    ctx.fill(area(plot, line, first, end));
  ctx.globalAlpha = 1;
}

/** Stretches of a band without a gap. @param {Line} line @param {[number, number]} part */
function pieces(line, [first, end]) {
  /** @type {[number, number][]} */
  const found = [];
  let start = first;
  for (let i = first; i <= end; i++) {
    if (i < end && line.low?.[i] !== null && line.high?.[i] !== null) continue;
    if (i > start) found.push([start, i]);
    start = i + 1;
  }
  return found;
}

/** @param {Plot} plot @param {Line} line @param {number} first @param {number} end */
function area(plot, line, first, end) {
  const drawn = new Path2D();
  const to = (/** @type {number} */ i, /** @type {any} */ edge) =>
    drawn.lineTo(plot.valToPos(line.x[i], "x", true), plot.valToPos(edge[i], "y", true));
  for (let i = first; i < end; i++) to(i, line.high);
  for (let i = end - 1; i >= first; i--) to(i, line.low);
  drawn.closePath();
  return drawn;
}

/** A dashed line across the chart, its name above it. @param {Plot} plot @param {Scene} scene */
function drawFloors(plot, scene) {
  const { ctx, bbox } = plot;
  prepareText(plot, "--muted");
  for (const floor of scene.floors.filter(({ value }) => !scene.logy || value > 0)) {
    const top = plot.valToPos(floor.value, "y", true);
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, top);
    ctx.lineTo(bbox.left + bbox.width, top);
    ctx.stroke();
    ctx.fillText(floor.label, bbox.left + 4 * devicePixelRatio, top - 4 * devicePixelRatio);
  }
  ctx.setLineDash([]);
}

/**
 * A dotted line and a glyph where something happened; its words where they do not reach the next.
 *
 * @param {Plot} plot
 * @param {Scene} scene
 */
function drawMarks(plot, scene) {
  const { bbox } = plot;
  prepareText(plot, "--muted");
  const right = bbox.left + bbox.width;
  const placed = scene.marks
    .map((mark) => ({ mark, left: plot.valToPos(mark.x, "x", true) }))
    .filter(({ left }) => left >= bbox.left && left <= right)
    .sort((a, b) => a.left - b.left)
    .slice(0, MARKS);
  placed.forEach(({ mark, left }, i) => drawMark(plot, mark, left, placed[i + 1]?.left ?? right));
}

/** @param {Plot} plot @param {import("./scene.js").Mark} mark @param {number} left @param {number} next */
function drawMark({ ctx, bbox }, mark, left, next) {
  ctx.setLineDash([devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(left, bbox.top + 13 * devicePixelRatio);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
  const glyph = GLYPHS[mark.kind] ?? "○";
  const words = `${glyph} ${mark.text}`;
  const fits = left + ctx.measureText(words).width < next;
  const start = Math.max(bbox.left, left - 4 * devicePixelRatio);
  ctx.fillText(fits ? words : glyph, start, bbox.top + 10 * devicePixelRatio);
}

/** @param {Plot} plot @param {string} color */
function prepareText(plot, color) {
  const { ctx } = plot;
  ctx.strokeStyle = ctx.fillStyle = colorAt(plot.root, color);
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
}
