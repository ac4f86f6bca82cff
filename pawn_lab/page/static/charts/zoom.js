/** The part of x that charts show, shared by those of a page that have the same axis. */

import { useEffect, useState } from "../preact.js";

/** @typedef {import("./plot.js").Zoom} Zoom */

/** @type {Map<string, Set<(zoom: Zoom) => void>>} */
const charts = new Map();

/**
 * The zoom that an owner keeps, else one that the charts of an axis share.
 *
 * @param {string} axis
 * @param {Zoom | undefined} zoom
 * @param {((zoom: Zoom) => void) | undefined} onZoom
 * @returns {[Zoom, (zoom: Zoom) => void]}
 */
export function useZoom(axis, zoom, onZoom) {
  const [own, setOwn] = useState(/** @type {Zoom} */ (null));
  useEffect(() => {
    const linked = charts.get(axis) ?? new Set();
    charts.set(axis, linked.add(setOwn));
    return () => linked.delete(setOwn);
  }, [axis]);
  const tell = (/** @type {Zoom} */ next) => charts.get(axis)?.forEach((set) => set(next));
  return onZoom ? [zoom ?? null, onZoom] : [own, tell];
}
