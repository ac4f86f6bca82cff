/** Every page, in the order of the navigation; one file and one entry each. */

import { board } from "./board.js";
import { compare } from "./compare.js";
import { curves } from "./curves.js";
import { launch } from "./launch.js";
import { notes } from "./notes.js";
import { overview } from "./overview.js";
import { sweeps } from "./sweeps.js";
import { trial } from "./trial.js";
import { trials } from "./trials.js";

/**
 * @typedef {object} PageEntry
 * @property {string} name In the address.
 * @property {string} title
 * @property {string} [key] After `g` it opens the page, which then is in the navigation.
 * @property {boolean} [ofLab] There is nothing to show of run folders that no lab owns.
 * @property {(props: {}) => any} Page
 */

/** @type {PageEntry[]} */
export const PAGES = [overview, trials, trial, curves, compare, sweeps, board, notes, launch];
