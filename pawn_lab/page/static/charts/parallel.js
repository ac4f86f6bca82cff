/** Parallel coordinates: an axis for each setting that is varied, one for the metric, a line a point. */

import { html, useRef } from "../preact.js";
import { settingText } from "../tables/columns.js";

/**
 * @typedef {object} Varied A setting as a sweep varies it: values that it lists, or a range.
 * @property {string} field
 * @property {unknown[]} [values]
 * @property {number} [low]
 * @property {number} [high]
 * @property {boolean} [log]
 *
 * @typedef {object} Point
 * @property {number} number
 * @property {Record<string, unknown>} settings
 * @property {number | null} value Of the metric, the latest.
 * @property {boolean} ended Whether it was trained to its end, so that its value counts.
 *
 * @typedef {object} Scale
 * @property {string} key
 * @property {string} title
 * @property {(point: Point) => number | null} at 0 at the foot up to 1 at the top.
 * @property {{at: number, text: string}[]} ticks
 * @property {(at: number) => string} text
 * @property {number} step That a key moves an end of the choice by.
 *
 * @typedef {Record<string, [number, number]>} Brush The part of each axis that is chosen, by its key.
 */

const [HEIGHT, TOP, FOOT, APART] = [300, 40, 16, 150];
const STEPS = 20;

/** The key of the metric's axis; no field of a config has it. */
export const METRIC = "=value";

/**
 * The axes of a sweep. The best value is at the top of the last one.
 *
 * @param {Varied[]} varied
 * @param {Point[]} points
 * @param {{metric: string, better: "low" | "high"}} merit
 * @returns {Scale[]}
 */
export function scales(varied, points, { metric, better }) {
  return [
    ...varied.map((each) => (each.values ? choices(each.field, each.values) : range(each))),
    value(),
  ];

  /** @returns {Scale} */
  function value() {
    const values = /** @type {number[]} */ (
      points.map((point) => point.value).filter((v) => v !== null)
    );
    const ends = [Math.min(...values), Math.max(...values)];
    const [foot, top] = better === "low" ? [ends[1], ends[0]] : ends;
    const part = (/** @type {number} */ v) => (top === foot ? 0.5 : (v - foot) / (top - foot));
    return continuous(
      METRIC,
      metric,
      part,
      (at) => foot + at * (top - foot),
      (point) => point.value,
    );
  }
}

/** @param {string} field @param {unknown[]} values @returns {Scale} */
function choices(field, values) {
  const ordered = values.every((each) => typeof each === "number")
    ? [...values].sort((a, b) => Number(a) - Number(b))
    : values;
  const texts = ordered.map(settingText);
  const at = (/** @type {number} */ index) => (texts.length > 1 ? index / (texts.length - 1) : 0.5);
  return {
    key: field,
    title: field,
    at: (point) => {
      const index = texts.indexOf(settingText(point.settings[field]));
      return index < 0 ? null : at(index);
    },
    ticks: texts.map((text, index) => ({ at: at(index), text })),
    text: (part) => texts[Math.round(part * (texts.length - 1))],
    step: texts.length > 1 ? 1 / (texts.length - 1) : 1,
  };
}

/** @param {Varied} varied @returns {Scale} */
function range({ field, low = 0, high = 1, log = false }) {
  const part = log
    ? (/** @type {number} */ v) => Math.log(v / low) / Math.log(high / low)
    : (/** @type {number} */ v) => (v - low) / (high - low);
  const value = log
    ? (/** @type {number} */ at) => low * (high / low) ** at
    : (/** @type {number} */ at) => low + at * (high - low);
  return continuous(
    field,
    field,
    part,
    value,
    (point) => /** @type {number | null} */ (point.settings[field]),
  );
}

/**
 * @param {string} key
 * @param {string} title
 * @param {(value: number) => number} part
 * @param {(at: number) => number} value
 * @param {(point: Point) => number | null | undefined} of
 * @returns {Scale}
 */
function continuous(key, title, part, value, of) {
  const text = (/** @type {number} */ at) => String(Number(value(at).toPrecision(4)));
  return {
    key,
    title,
    at: (point) => {
      const own = of(point);
      return typeof own === "number" ? part(own) : null;
    },
    ticks: [0, 0.5, 1].map((at) => ({ at, text: text(at) })),
    text,
    step: 1 / STEPS,
  };
}

/** Whether a point lies within all chosen parts. @param {Point} point @param {Scale[]} axes @param {Brush} brush */
export function isChosen(point, axes, brush) {
  return axes.every((axis) => {
    const part = brush[axis.key];
    const at = axis.at(point);
    return !part || (at !== null && at >= part[0] - 1e-9 && at <= part[1] + 1e-9);
  });
}

/**
 * @param {object} props
 * @param {string} props.label For screen readers.
 * @param {Scale[]} props.axes
 * @param {Point[]} props.points
 * @param {Set<number>} props.best Numbers of the points that stand out.
 * @param {Brush} props.brush
 * @param {(brush: Brush) => void} props.onBrush
 */
export function Parallel({ label, axes, points, best, brush, onBrush }) {
  const width = APART * axes.length;
  const x = (/** @type {number} */ n) => APART * (n + 0.5);
  const order = [...points].sort((a, b) => rank(a) - rank(b));

  /** What is drawn last lies on top. @param {Point} point */
  function rank(point) {
    return Number(isChosen(point, axes, brush)) + 2 * Number(best.has(point.number));
  }

  return html`<div class="table-scroll">
    <svg
      class="parallel"
      viewBox=${`0 0 ${width} ${TOP + HEIGHT + FOOT}`}
      style=${{ minWidth: `${0.9 * width}px` }}
      preserveAspectRatio="xMinYMin"
      role="group"
      aria-label=${label}
    >
      ${order.map(
        (point) =>
          html`<path
            key=${point.number}
            d=${path(point, axes, x)}
            class=${style(point, isChosen(point, axes, brush), best)}
          >
            <title>${pointText(point, axes)}</title>
          </path>`,
      )}
      ${axes.map(
        (axis, n) =>
          html`<${Axis}
            key=${axis.key}
            axis=${axis}
            x=${x(n)}
            part=${brush[axis.key] ?? [0, 1]}
            onPart=${(/** @type {[number, number]} */ part) => onBrush(withPart(brush, axis.key, part))}
          />`,
      )}
    </svg>
  </div>`;
}

/** The whole of an axis is no choice. @param {Brush} brush @param {string} key @param {[number, number]} part */
function withPart(brush, key, part) {
  const { [key]: _, ...others } = brush;
  return part[0] <= 0 && part[1] >= 1 ? others : { ...others, [key]: part };
}

/** @param {number} at */
function y(at) {
  return TOP + HEIGHT * (1 - at);
}

/** A line through the axes on which a point has a value. @param {Point} point @param {Scale[]} axes @param {(n: number) => number} x */
function path(point, axes, x) {
  const places = axes.map((axis, n) => ({ x: x(n), at: axis.at(point) }));
  const held = places.filter(({ at }) => at !== null);
  return held
    .map((place, n) => `${n ? "L" : "M"}${place.x} ${y(Number(place.at)).toFixed(1)}`)
    .join("");
}

/** @param {Point} point @param {boolean} chosen @param {Set<number>} best */
function style(point, chosen, best) {
  if (!chosen) return "faint";
  if (best.has(point.number)) return "best";
  return point.ended ? "" : "unsettled";
}

/** @param {Point} point @param {Scale[]} axes */
function pointText(point, axes) {
  const held = axes.filter((axis) => axis.at(point) !== null);
  return `point ${point.number}: ${held.map((axis) => `${axis.title} ${axis.text(Number(axis.at(point)))}`).join(", ")}`;
}

/** @param {{axis: Scale, x: number, part: [number, number], onPart: (part: [number, number]) => void}} props */
function Axis({ axis, x, part, onPart }) {
  const isPart = part[0] > 0 || part[1] < 1;
  return html`<g transform=${`translate(${x} 0)`}>
    <text y=${TOP - 22} text-anchor="middle" font-weight="600">${axis.title}</text>
    <line class="axis-line" y1=${y(0)} y2=${y(1)} />
    ${isPart && html`<rect class="brush" x="-7" width="14" y=${y(part[1])} height=${y(part[0]) - y(part[1])} />`}
    ${axis.ticks.map(
      (tick) => html`<text class="tick" x="12" y=${y(tick.at) + 4}>${tick.text}</text>`,
    )}
    <${Handle} axis=${axis} part=${part} end=${0} onPart=${onPart} />
    <${Handle} axis=${axis} part=${part} end=${1} onPart=${onPart} />
  </g>`;
}

/**
 * An end of the chosen part of an axis: dragged, or moved by arrows; Escape chooses all again.
 *
 * @param {{axis: Scale, part: [number, number], end: 0 | 1, onPart: (part: [number, number]) => void}} props
 */
function Handle({ axis, part, end, onPart }) {
  const element = useRef(/** @type {SVGCircleElement | null} */ (null));
  const move = (/** @type {number} */ at) => {
    const own = Math.round(1000 * Math.max(0, Math.min(1, at))) / 1000;
    onPart(end ? [part[0], Math.max(own, part[0])] : [Math.min(own, part[1]), part[1]]);
  };
  const keys = /** @type {Record<string, () => void>} */ ({
    ArrowUp: () => move(part[end] + axis.step),
    ArrowDown: () => move(part[end] - axis.step),
    Home: () => move(0),
    End: () => move(1),
    Escape: () => onPart([0, 1]),
  });
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    if (!element.current?.hasPointerCapture(event.pointerId)) return;
    const svg = /** @type {SVGSVGElement} */ (element.current.ownerSVGElement);
    const box = svg.getBoundingClientRect();
    const drawn = ((event.clientY - box.top) / box.height) * svg.viewBox.baseVal.height;
    move(1 - (drawn - TOP) / HEIGHT);
  };
  return html`<circle
    ref=${element}
    class="handle"
    r="7"
    cy=${y(part[end])}
    tabindex="0"
    role="slider"
    aria-orientation="vertical"
    aria-label=${`${axis.title}, ${end ? "upper" : "lower"} end`}
    aria-valuemin="0"
    aria-valuemax="1"
    aria-valuenow=${part[end]}
    aria-valuetext=${axis.text(part[end])}
    onKeyDown=${press}
    onPointerDown=${(/** @type {PointerEvent} */ event) => element.current?.setPointerCapture(event.pointerId)}
    onPointerMove=${drag}
  />`;
}
