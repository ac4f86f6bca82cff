/** What a chart of curves draws, decided from its data and settings; knows no canvas. */

import { stylesOf } from "./palette.js";
import { Extent, shown } from "./series.js";
import { smoothed } from "./smoothing.js";

/**
 * @typedef {import("./palette.js").Style} Style
 * @typedef {import("./series.js").Values} Values
 *
 * @typedef {object} Curve One metric of one run.
 * @property {string} label
 * @property {number[]} x Ascending.
 * @property {Values} y
 * @property {string} [group]
 * @property {number} [trial]
 * @property {string} [variant]
 * @property {number} [seen] Points before the server thinned them.
 * @property {boolean} [sampled]
 *
 * @typedef {{label: string, x: number[], mean: Values, low: Values, high: Values, n?: number, trials?: number[]}} Group
 *   Runs that differ by seed only: their mean and its 95 % interval.
 * @typedef {{label: string, x: number[], low: Values, high: Values, mean?: Values, trial?: number}} Band
 *   A forecast.
 * @typedef {{x: number, kind: string, text: string, label?: string, trial?: number}} Mark What
 *   happened at a place.
 * @typedef {{label: string, value: number}} Floor The least, or most, that is possible.
 *
 * @typedef {object} Line
 * @property {string} label
 * @property {Style} style
 * @property {number[]} x Ascending.
 * @property {Values} y
 * @property {number} width Pixels.
 * @property {number} alpha
 * @property {Values} [low] Edges of the band around it.
 * @property {Values} [high]
 * @property {boolean} [forecast]
 *
 * @typedef {object} Settings
 * @property {string[]} hidden Labels.
 * @property {number} smooth
 * @property {boolean} thin Single seeds behind their groups.
 * @property {boolean} logx
 * @property {boolean} logy
 *
 * @typedef {object} Scene
 * @property {Line[]} lines In the order in which they are drawn.
 * @property {Line[]} named The lines that the legend lists, hidden ones too.
 * @property {Mark[]} marks
 * @property {Floor[]} floors
 * @property {boolean} logx
 * @property {boolean} logy
 * @property {string[]} remarks What a reader must know of what is not drawn.
 */

/** Share of the range of the lines that their bands may add at each end. */
const MOST_BAND = 0.25;
/** Stands on a logarithmic axis for what has no logarithm. */
const BOTTOM = 1e-300;

/**
 * @param {{curves: Curve[], groups: Group[], bands: Band[], marks: Mark[], floors: Floor[]}} data
 * @param {Settings} settings
 * @param {Map<string, Style>} [styles]
 * @returns {Scene}
 */
export function sceneOf(data, settings, styles) {
  const grouped = new Set(data.groups.map((group) => group.label));
  const alone = data.curves.filter((curve) => !grouped.has(curve.group ?? ""));
  const members = data.curves.filter((curve) => grouped.has(curve.group ?? ""));
  const names = [...data.groups, ...alone].map((item) => item.label);
  const own = styles ?? stylesOf(names);
  const styleOf = (/** @type {string} */ label) =>
    own.get(label) ?? stylesOf([...own.keys(), label]).get(label);
  const named = [
    ...data.groups.map((group) =>
      groupLine(group, /** @type {Style} */ (styleOf(group.label)), settings.smooth),
    ),
    ...alone.map((curve) =>
      curveLine(curve, /** @type {Style} */ (styleOf(curve.label)), settings.smooth),
    ),
  ];
  const owned = (/** @type {any} */ item) => ({ ...item, label: ownerOf(item, data.groups) });
  const behind = [
    ...(settings.thin ? members.map((curve) => thinLine(curve, curve.group ?? "", styleOf)) : []),
    ...(settings.smooth > 0 ? alone.map((curve) => thinLine(curve, curve.label, styleOf)) : []),
    ...data.bands.map((band) => bandLine(owned(band), styleOf)),
  ];
  const visible = (/** @type {{label?: string}} */ item) =>
    !settings.hidden.includes(item.label ?? "");
  const lines = [...behind, ...named].filter(visible);
  return {
    named,
    marks: gathered(data.marks.map(owned).filter(visible)),
    floors: data.floors,
    ...logarithmic(lines, settings),
  };
}

/**
 * The label under which something of a trial is drawn: its group's, where there is one.
 *
 * @param {{label?: string, trial?: number}} item
 * @param {Group[]} groups
 */
function ownerOf({ label, trial }, groups) {
  const group = groups.find((group) => trial !== undefined && group.trials?.includes(trial));
  return group?.label ?? label;
}

/** Marks of several runs at one place as one. @param {Mark[]} marks @returns {Mark[]} */
function gathered(marks) {
  /** @type {Map<string, Mark[]>} */
  const places = new Map();
  for (const mark of marks) {
    const place = JSON.stringify([mark.x, mark.kind, mark.text]);
    places.set(place, [...(places.get(place) ?? []), mark]);
  }
  return [...places.values()].map(([mark, ...others]) =>
    others.length ? { ...mark, text: `${mark.text} (${others.length + 1} runs)` } : mark,
  );
}

/** @param {Group} group @param {Style} style @param {number} smooth @returns {Line} */
function groupLine(group, style, smooth) {
  const [y, low, high] = [group.mean, group.low, group.high].map((column) =>
    smoothed(column, smooth),
  );
  const line = { label: group.label, style, x: group.x, y, width: 2, alpha: 1 };
  return group.n === 1 ? line : { ...line, low, high }; // one run has no interval
}

/** @param {Curve} curve @param {Style} style @param {number} smooth @returns {Line} */
function curveLine(curve, style, smooth) {
  return {
    label: curve.label,
    style,
    x: curve.x,
    y: smoothed(curve.y, smooth),
    width: 1.75,
    alpha: 1,
  };
}

/** @param {Curve} curve @param {string} label @param {(label: string) => Style | undefined} styleOf @returns {Line} */
function thinLine(curve, label, styleOf) {
  const style = { color: /** @type {Style} */ (styleOf(label)).color, dash: [] };
  return { label, style, x: curve.x, y: curve.y, width: 1, alpha: 0.35 };
}

/** @param {Band} band @param {(label: string) => Style | undefined} styleOf @returns {Line} */
function bandLine(band, styleOf) {
  const style = { color: /** @type {Style} */ (styleOf(band.label)).color, dash: [4, 4] };
  const y = band.mean ?? band.x.map(() => null);
  return {
    label: band.label,
    style,
    x: band.x,
    y,
    low: band.low,
    high: band.high,
    width: 1.25,
    alpha: 0.8,
    forecast: true,
  };
}

/**
 * Where an axis is logarithmic, leave out what has no logarithm and say so; an axis without any
 * positive value stays linear.
 *
 * @param {Line[]} lines
 * @param {Settings} settings
 */
function logarithmic(lines, settings) {
  const logx = settings.logx && lines.some((line) => line.x.some((x) => x > 0));
  const logy = settings.logy && lines.some((line) => line.y.some((y) => y !== null && y > 0));
  const remarks = [];
  if (settings.logx && !logx) remarks.push("x is drawn linearly: it has no positive value.");
  if (settings.logy && !logy) remarks.push("y is drawn linearly: it has no positive value.");
  const kept = lines.map((line) => positive(line, logx, logy));
  const left = kept.reduce((sum, { dropped }) => sum + dropped, 0);
  if (left)
    remarks.push(
      `${left} ${left === 1 ? "point is" : "points are"} at or below 0: not on a logarithmic axis.`,
    );
  return { lines: kept.map(({ line }) => line), logx, logy, remarks };
}

/** @param {Line} line @param {boolean} logx @param {boolean} logy */
function positive(line, logx, logy) {
  if (!logx && !logy) return { line, dropped: 0 };
  const there = line.x.map((x) => !logx || x > 0);
  const chosen = (/** @type {any[]} */ column) => column.filter((_, i) => there[i]);
  const above = (/** @type {Values} */ column) =>
    chosen(column).map((y) => (logy && y !== null && !(y > 0) ? null : y));
  const y = above(line.y);
  const low = line.low && (logy ? lowered(chosen(line.low)) : chosen(line.low));
  const drawn = { ...line, x: chosen(line.x), y, low, high: line.high && above(line.high) };
  return { line: drawn, dropped: present(line.y) - present(y) };
}

/** @param {Values} values */
function present(values) {
  return values.filter((value) => value !== null).length;
}

/** Lower edges without a logarithm lie far below the chart. @param {Values} low @returns {Values} */
function lowered(low) {
  return low.map((value) => (value === null ? null : Math.max(value, BOTTOM)));
}

/** Range of x over all lines. @param {Scene} scene @returns {[number, number]} */
export function xRange(scene) {
  const extent = new Extent();
  for (const { x } of scene.lines) extent.addAll([x[0], x[x.length - 1]]);
  return extent.range(scene.logx, 0);
}

/**
 * Range of y over a part of x; over the whole, the floors are part of it.
 *
 * @param {Scene} scene
 * @param {[number, number]} frame
 * @param {boolean} whole Whether that is all of x.
 * @returns {[number, number]}
 */
export function yRange(scene, frame, whole) {
  const [extent, bands] = [new Extent(), new Extent()];
  for (const line of scene.lines) {
    const [first, end] = shown(line.x, frame);
    extent.addAll(line.y, first, end);
    bands.addAll(
      (line.low ?? []).map((y) => (y === BOTTOM ? null : y)),
      first,
      end,
    );
    bands.addAll(line.high ?? [], first, end);
  }
  const [low, high] = extent.range(scene.logy, MOST_BAND);
  extent.addAll([Math.max(low, bands.low), Math.min(high, bands.high)]);
  if (whole)
    extent.addAll(
      scene.floors.map((floor) => floor.value).filter((value) => !scene.logy || value > 0),
    );
  return extent.range(scene.logy, 0.05);
}
