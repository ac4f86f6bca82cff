/** A plot on the page: uPlot for axes, cursor and selection, our drawing for what lies between. */

import { UPlot } from "../uplot.js";
import { draw } from "./drawing.js";
import { colorAt } from "./palette.js";
import { xRange, yRange } from "./scene.js";
import { tickText, ticks } from "./ticks.js";

/**
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {[number, number] | null} Zoom Part of x that is shown; null is all of it.
 * @typedef {{onZoom(zoom: Zoom): void, onCursor(x: number | null): void}} Listeners
 */

const LINEAR = 1;
const LOGARITHMIC = 3;
const NARROW = 1e-9;

/** One canvas for as long as the axes keep their kind: new data is drawn on the one there is. */
export class LinkedPlot {
  /**
   * @param {HTMLElement} host
   * @param {Scene} scene
   * @param {string} xTitle Plots of one page with the same title share their cursor.
   * @param {number} height Pixels.
   * @param {Listeners} listeners
   */
  constructor(host, scene, xTitle, height, listeners) {
    this.host = host;
    this.scene = scene;
    this.listeners = listeners;
    /** @type {Zoom} */
    this.zoom = null;
    this.height = height;
    this.plot = new UPlot(
      this.options(xTitle),
      [
        [0, 1],
        [null, null],
      ],
      host,
    );
    this.resizing = new ResizeObserver(() => this.plot.setSize({ width: width(host), height }));
    this.resizing.observe(host);
    this.redraw = () => this.plot.redraw(false, true);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", this.redraw);
    addEventListener("pawn-theme", this.redraw);
  }

  /** Show data, and of x only a part. @param {Scene} scene @param {Zoom} zoom */
  show(scene, zoom) {
    this.scene = scene;
    this.zoom = zoom;
    const frame = this.frame();
    const [low, high] = yRange(scene, frame, zoom === null);
    this.plot.batch(() => {
      this.plot.setData([frame, [null, null]], false);
      this.plot.setScale("x", { min: frame[0], max: frame[1] });
      this.plot.setScale("y", { min: low, max: high });
    });
  }

  /** The part of x that is shown: the zoom, where an axis can show it. @returns {[number, number]} */
  frame() {
    const whole = xRange(this.scene);
    const [low, high] = this.zoom ?? whole;
    return high > low && (low > 0 || !this.scene.logx) ? [low, high] : whole;
  }

  /** Put the cursor at a value of x, here and in the other plots of the page. @param {number} x */
  moveTo(x) {
    const left = this.plot.valToPos(x, "x");
    /** @type {any} */ (this.plot).setCursor({ left, top: this.height / 4 }, true, true);
  }

  /** Value of x at the cursor, or in the middle. */
  at() {
    const left = this.plot.cursor.left ?? -1;
    const { width } = this.plot.over.getBoundingClientRect();
    return this.plot.posToVal(left >= 0 ? left : width / 2, "x");
  }

  /** The part of x with the cursor's place kept and its extent multiplied. @param {number} factor @returns {Zoom} */
  zoomed(factor) {
    const transform = this.scene.logx ? Math.log : (/** @type {number} */ x) => x;
    const back = this.scene.logx ? Math.exp : (/** @type {number} */ x) => x;
    const [low, high, at] = [...this.frame(), this.at()].map(transform);
    const whole = xRange(this.scene);
    const low_ = Math.max(back(at - factor * (at - low)), whole[0]);
    const high_ = Math.min(back(at + factor * (high - at)), whole[1]);
    return low_ <= whole[0] && high_ >= whole[1] ? null : [low_, high_];
  }

  destroy() {
    this.resizing.disconnect();
    this.dark.removeEventListener("change", this.redraw);
    removeEventListener("pawn-theme", this.redraw);
    this.plot.destroy();
  }

  /** @param {string} xTitle @returns {import("uplot").Options} */
  options(xTitle) {
    const exactly = (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) =>
      /** @type {[number, number]} */ ([low, high]);
    const scale = (/** @type {boolean} */ log) => ({
      time: false,
      auto: false,
      distr: log ? LOGARITHMIC : LINEAR,
      range: exactly,
    });
    return {
      width: width(this.host),
      height: this.height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      scales: { x: scale(this.scene.logx), y: scale(this.scene.logy) },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          ...this.axis(this.scene.logx, 70),
          label: xTitle,
          labelSize: 18,
          labelFont: "12px system-ui, sans-serif",
          size: 34,
        },
        { ...this.axis(this.scene.logy, 36), size: 58 },
      ],
      cursor: this.cursor(xTitle),
      hooks: {
        drawAxes: [(plot) => draw(plot, this.scene)],
        setCursor: [(plot) => this.listeners.onCursor(cursorValue(plot))],
        setSelect: [(plot) => this.selected(plot)],
      },
    };
  }

  /** @param {boolean} logarithmic @param {number} space Pixels between ticks, about. @returns {import("uplot").Axis} */
  axis(logarithmic, space) {
    const line = { stroke: () => colorAt(this.host, "--line"), width: 1 };
    return {
      stroke: () => colorAt(this.host, "--muted"),
      font: "11px system-ui, sans-serif",
      grid: line,
      ticks: { ...line, size: 4 },
      splits: (plot, index, low, high) =>
        ticks([low, high], logarithmic, length(plot, index) / space),
      filter: (_, values) => values,
      values: (_, values) => values.map(tickText),
    };
  }

  /**
   * The cursor is shared, the selection is not: a zoom comes back through `show`.
   *
   * @param {string} xTitle
   * @returns {import("uplot").Cursor}
   */
  cursor(xTitle) {
    const moved = (/** @type {string} */ event) => event === "mousemove" || event === "mouseleave";
    return {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 5 },
      sync: {
        key: `x: ${xTitle}`,
        setSeries: false,
        scales: ["x", null],
        filters: { pub: moved, sub: moved },
      },
      bind: {
        dblclick: () => () => {
          this.listeners.onZoom(null);
          return null;
        },
      },
    };
  }

  /** @param {import("uplot")} plot */
  selected(plot) {
    const { left, width } = plot.select;
    if (!width) return;
    const [low, high] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (high - low > NARROW * Math.abs(high)) this.listeners.onZoom([low, high]);
  }
}

/** @param {HTMLElement} host */
function width(host) {
  return Math.max(160, host.clientWidth);
}

/** @param {import("uplot")} plot */
function cursorValue(plot) {
  const { left } = plot.cursor;
  return left === undefined || left === null || left < 0 ? null : plot.posToVal(left, "x");
}

/** Pixels that an axis has. @param {import("uplot")} plot @param {number} index 0 is that of x. */
function length(plot, index) {
  return (index === 0 ? plot.bbox.width : plot.bbox.height) / devicePixelRatio;
}
