/** The plot of a scene in the page, with its keys. */

import { html, useLayoutEffect, useRef } from "../preact.js";
import { LinkedPlot } from "./plot.js";
import { nearest } from "./series.js";

/**
 * @typedef {import("./plot.js").Zoom} Zoom
 * @typedef {import("./scene.js").Scene} Scene
 *
 * @param {object} props
 * @param {string} props.label What it shows, for who does not see it.
 * @param {string} props.xTitle
 * @param {Scene} props.scene
 * @param {Zoom} props.zoom
 * @param {number} props.height
 * @param {(zoom: Zoom) => void} props.onZoom
 * @param {(x: number | null) => void} props.onCursor
 */
export function Canvas({ label, xTitle, scene, zoom, height, onZoom, onCursor }) {
  const host = useRef(/** @type {HTMLDivElement | null} */ (null));
  const plot = useRef(/** @type {LinkedPlot | null} */ (null));
  const told = useRef({ onZoom, onCursor });
  told.current = { onZoom, onCursor };
  useLayoutEffect(() => {
    const listeners = {
      onZoom: (/** @type {Zoom} */ next) => told.current.onZoom(next),
      onCursor: (/** @type {number | null} */ x) => told.current.onCursor(x),
    };
    plot.current = new LinkedPlot(
      /** @type {HTMLElement} */ (host.current),
      scene,
      xTitle,
      height,
      listeners,
    );
    return () => plot.current?.destroy();
  }, [scene.logx, scene.logy, xTitle, height]);
  useLayoutEffect(() => plot.current?.show(scene, zoom), [scene, zoom, xTitle, height]);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !plot.current) return;
    if (pressed(event.key, plot.current, onZoom)) event.preventDefault();
  };
  const zoomed = (/** @type {number} */ factor) =>
    plot.current && onZoom(plot.current.zoomed(factor));
  return html`<div class="chart-plot">
    <div
      class="chart-canvas"
      ref=${host}
      tabindex="0"
      role="img"
      aria-roledescription="chart"
      aria-label="${label}. Arrows move the cursor, plus and minus zoom, 0 shows all."
      onKeyDown=${onKeyDown}
    ></div>
    <div class="chart-zoom">
      <button type="button" aria-label="Zoom in" onClick=${() => zoomed(0.5)}>+</button>
      <button type="button" aria-label="Zoom out" onClick=${() => zoomed(2)}>−</button>
    </div>
  </div>`;
}

/**
 * Do what a key asks for; whether it asks for anything.
 *
 * @param {string} key
 * @param {LinkedPlot} plot
 * @param {(zoom: Zoom) => void} onZoom
 */
function pressed(key, plot, onZoom) {
  const steps = /** @type {Record<string, number>} */ ({
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: -10,
    PageDown: 10,
  });
  if (key in steps) plot.moveTo(beside(plot, steps[key]));
  else if (key === "Home" || key === "End") plot.moveTo(plot.frame()[key === "Home" ? 0 : 1]);
  else if (key === "+" || key === "=") onZoom(plot.zoomed(0.5));
  else if (key === "-") onZoom(plot.zoomed(2));
  else if (key === "0") onZoom(null);
  else return false;
  return true;
}

/**
 * Value of x so many points from the cursor on the first curve, within what is shown.
 *
 * @param {LinkedPlot} plot
 * @param {number} steps
 */
function beside(plot, steps) {
  const [low, high] = plot.frame();
  const line =
    plot.scene.lines.find((line) => line.x.length && line.width > 1) ?? plot.scene.lines[0];
  if (!line) return low;
  const from = nearest(line.x, plot.at()) ?? 0;
  const index = Math.min(line.x.length - 1, Math.max(0, from + steps));
  return Math.min(high, Math.max(low, line.x[index]));
}
