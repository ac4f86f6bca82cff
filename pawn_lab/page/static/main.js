/** The page begins here: what is shown around everything depends on where answers come from. */

import { App } from "./app/app.js";
import { html, render } from "./preact.js";
import { Report } from "./report.js";
import { Shell } from "./shell.js";
import { source } from "./source.js";

/** One entry for each kind of source. */
const ROOTS = /** @type {Record<string, any>} */ ({ live: Shell, report: Report, app: App });

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
source.open().finally(() => render(html`<${ROOTS[source.kind]} />`, root));
