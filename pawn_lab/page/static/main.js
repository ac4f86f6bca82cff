/** The page begins here. */

import { html, render } from "./preact.js";
import { Shell } from "./shell.js";
import { source } from "./source.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
source.open().finally(() => render(html`<${Shell} />`, root));
