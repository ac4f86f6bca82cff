/** What an app shows of each tool that has one. */

import { Comparison } from "../widgets/comparison.js";
import { LivePlot, Plot } from "./plot.js";
import { Status } from "./status.js";

/**
 * @typedef {object} Shown
 * @property {string} tool
 * @property {string} has A field that only this tool's answers have.
 * @property {(props: {answer: any}) => any} Part
 * @property {(props: {answer: any, args: Record<string, any>}) => any} [Live] Follows the lab itself.
 */

/** @type {Shown[]} */
const SHOWN = [
  { tool: "lab_plot", has: "curves", Part: Plot, Live: LivePlot },
  { tool: "lab_status", has: "counts", Part: Status },
  { tool: "lab_compare", has: "groups", Part: Comparison },
];

/**
 * The entry of a tool; where the host did not say which it is, of the answer.
 *
 * @param {string | null} tool
 * @param {any} answer
 */
export function shownAs(tool, answer) {
  return (
    SHOWN.find((each) => each.tool === tool) ?? SHOWN.find(({ has }) => answer && has in answer)
  );
}
