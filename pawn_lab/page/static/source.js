/** Where answers come from: a lab's server, the data of a report, or the host of an app. */

import { AppSource } from "./sources/app.js";
import { LiveSource } from "./sources/live.js";
import { ReportSource } from "./sources/report.js";

/**
 * What each source has.
 *
 * @typedef {object} Source
 * @property {"live" | "report" | "app"} kind
 * @property {{control: boolean, board: boolean}} can What is allowed here; known once it is open.
 * @property {any} session What the server says of itself.
 * @property {any} data What a report or an app was given.
 * @property {boolean} connected
 * @property {boolean} needsToken
 * @property {(token: string) => Promise<void>} [authorize] What answers `needsToken`.
 * @property {string} [author] Who acts, as events name them; absent where that is not ours to say.
 * @property {{add(listener: () => void): () => void}} status Told when one of the above changes.
 * @property {() => Promise<void>} open
 * @property {(name: string, args?: Record<string, unknown>, signal?: AbortSignal) => Promise<any>} view
 * @property {(tool: string, args?: Record<string, unknown>) => Promise<any>} call
 * @property {(question: string, fields: Record<string, unknown>) => Promise<any>} [board] What
 *   answers where `can.board`.
 * @property {(listener: (change: import("./sources/stream.js").Change) => void) => () => void} onChange
 * @property {() => number | null} age Seconds since the data were known to be right.
 */

/** One entry a kind; the page says which in its `data-source`. */
const SOURCES = { live: LiveSource, report: ReportSource, app: AppSource };

const kind = /** @type {keyof typeof SOURCES} */ (document.documentElement.dataset.source);

/** @type {Source} */
export const source = new SOURCES[kind]();
