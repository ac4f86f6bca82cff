/** What the address says of charts, so that a link keeps what was looked at. */

import { useRoute } from "../state.js";
import { USUAL } from "./panels.js";

/**
 * @typedef {import("./panels.js").Settings} Settings
 * @typedef {import("./plot.js").Zoom} Zoom
 * @typedef {Record<string, string>} Params
 */

/** The choices of the address, and functions that change them. */
export function useChartAddress() {
  const { params, set } = useRoute();
  return {
    x: params.x ?? "step",
    metrics: params.metric ? params.metric.split(",") : null,
    zoom: zoomOf(params.zoom),
    hidden: params.hide ? params.hide.split(",").map(decodeURIComponent) : [],
    settings: settingsOf(params),
    onAxis: (/** @type {string} */ x) => set({ x: x === "step" ? null : x, zoom: null }),
    onMetrics: (/** @type {string[]} */ names) => set({ metric: names.join(",") }),
    onZoom: (/** @type {Zoom} */ zoom) => set({ zoom: zoom && zoom.map(rounded).join("..") }),
    onHide: (/** @type {string[]} */ labels) =>
      set({ hide: labels.map(encodeURIComponent).join(",") }, { replace: true }),
    onChange: (/** @type {Partial<Settings>} */ patch) => set(paramsOf(patch), { replace: true }),
  };
}

/** @param {string | undefined} text @returns {Zoom} */
function zoomOf(text) {
  const [low, high] = (text ?? "").split("..").map(Number);
  return high > low ? [low, high] : null;
}

/** @param {number} value */
function rounded(value) {
  return Number(value.toPrecision(6));
}

/** @param {Params} params @returns {Settings} */
export function settingsOf(params) {
  return {
    smooth: Math.min(0.99, Math.max(0, Number(params.smooth) || 0)),
    logx: params.logx === "1",
    logy: params.logy === undefined ? USUAL.logy : params.logy === "1",
    grouped: params.group !== "0",
    thin: params.seeds !== "0",
  };
}

/** How the address names a setting, and the value that it leaves out. */
/** @type {[name: keyof Settings, parameter: string, usual: number | null][]} */
const PARAMETERS = [
  ["smooth", "smooth", 0],
  ["logx", "logx", 0],
  ["logy", "logy", null],
  ["grouped", "group", 1],
  ["thin", "seeds", 1],
];

/** @param {Partial<Settings>} patch */
function paramsOf(patch) {
  const changed = PARAMETERS.filter(([name]) => name in patch);
  return Object.fromEntries(
    changed.map(([name, parameter, usual]) => {
      const value = Number(patch[name]);
      return [parameter, value === usual ? null : value];
    }),
  );
}
