/** A chart as a PNG: its canvas on the ground of the page, with title and legend. */

import { colorAt } from "./palette.js";

/** @typedef {import("./scene.js").Line} Line */

const MARGIN = 12;
const ROW = 18;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} title
 * @param {Line[]} lines
 * @returns {Promise<Blob | null>}
 */
export function picture(canvas, title, lines) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.width / scale, canvas.height / scale];
  const copy = document.createElement("canvas");
  copy.width = scale * (width + 2 * MARGIN);
  copy.height = scale * (height + 2 * MARGIN + ROW * (lines.length + 1));
  const ctx = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
  ctx.scale(scale, scale);
  ctx.fillStyle = colorAt(canvas, "--ground");
  ctx.fillRect(0, 0, copy.width, copy.height);
  write(
    ctx,
    title,
    MARGIN,
    MARGIN + 12,
    `600 14px system-ui, sans-serif`,
    colorAt(canvas, "--text"),
  );
  ctx.drawImage(canvas, MARGIN, MARGIN + ROW, width, height);
  lines.forEach((line, i) => legendRow(ctx, canvas, line, MARGIN + ROW + height + ROW * (i + 0.5)));
  return new Promise((resolve) => copy.toBlob(resolve, "image/png"));
}

/** @param {CanvasRenderingContext2D} ctx @param {Element} themed @param {Line} line @param {number} top */
function legendRow(ctx, themed, line, top) {
  ctx.strokeStyle = colorAt(themed, line.style.color);
  ctx.lineWidth = 2.5;
  ctx.setLineDash(line.style.dash);
  ctx.beginPath();
  ctx.moveTo(MARGIN, top);
  ctx.lineTo(MARGIN + 22, top);
  ctx.stroke();
  write(
    ctx,
    line.label,
    MARGIN + 30,
    top + 4,
    "12px system-ui, sans-serif",
    colorAt(themed, "--text"),
  );
}

/** @param {CanvasRenderingContext2D} ctx @param {string} text @param {number} left @param {number} base @param {string} font @param {string} color */
function write(ctx, text, left, base, font, color) {
  ctx.font = font;
  ctx.fillStyle = color;
  ctx.fillText(text, left, base);
}
