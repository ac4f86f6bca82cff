/** The vendored chart program. */

/** @type {typeof import("uplot")} */
export const UPlot = /** @type {any} */ (globalThis).uPlot;
