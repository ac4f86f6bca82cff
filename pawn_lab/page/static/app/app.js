/** The page inside an MCP host: the answer of one call, kept up to date, with what can be done. */

import { duration } from "../format.js";
import { html, useEffect, useState } from "../preact.js";
import { parsed, useSource } from "../state.js";
import { shownAs } from "./answers.js";
import { useLive } from "./live.js";

export function App() {
  const source = useSource();
  const { tool, args, answer, error } = source.data;
  const [visited, setVisited] = useState(/** @type {number | null} */ (null));
  const shown = shownAs(tool, answer);
  if (error) return html`<main class="app"><p class="failure" role="alert">${error}</p></main>`;
  if (!answer || !shown) {
    return html`<main class="app"><p class="quiet" role="status">Waiting for the lab …</p></main>`;
  }
  const asked = visited === null ? { tool: shown.tool, args } : ofTrial(visited);
  const visit = visiting((id) => source.can.control && setVisited(id));
  return html`<main class="app" onClick=${visit}>
    ${visited !== null && html`<button class="quiet" onClick=${() => setVisited(null)}>← Back</button>`}
    <${Shown} asked=${asked} first=${visited === null ? answer : null} may=${source.can.control} />
  </main>`;
}

/** @param {number} id */
function ofTrial(id) {
  return { tool: "lab_status", args: { trial_id: id } };
}

/**
 * There are no pages here to go to: a trial's link shows it in place, any other does nothing.
 *
 * @param {(id: number) => void} visit
 */
function visiting(visit) {
  return (/** @type {any} */ event) => {
    const address = event.target.closest?.("a[href^='#']")?.getAttribute("href");
    if (!address) return;
    event.preventDefault();
    const { page, params } = parsed(address);
    if (page === "trial" && params.id) visit(Number(params.id));
  };
}

/** @param {{asked: import("./live.js").Asked, first: any, may: boolean}} props */
function Shown({ asked, first, may }) {
  const { Live } = shownAs(asked.tool, first) ?? {};
  if (may && Live && first) return html`<${Live} answer=${first} args=${asked.args} />`;
  return html`<${Followed} asked=${asked} first=${first} may=${may} />`;
}

/** @param {{asked: import("./live.js").Asked, first: any, may: boolean}} props */
function Followed({ asked, first, may }) {
  const { answer, error, at, again } = useLive(asked, first, may);
  const Part = shownAs(asked.tool, answer)?.Part;
  return html`
    ${answer && Part ? html`<${Part} answer=${answer} />` : !error && html`<p class="quiet">Loading …</p>`}
    ${error && html`<p class="failure" role="alert">${error}</p>`}
    ${may ? html`<${Age} at=${at} again=${again} />` : html`<p class="quiet small">As it was when it was asked for.</p>`}
  `;
}

/** @param {{at: number, again: () => void}} props */
function Age({ at, again }) {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((/** @type {number} */ n) => n + 1), 5000);
    return () => clearInterval(timer);
  }, []);
  return html`<p class="quiet small row app-age">
    <span>Asked ${duration((Date.now() - at) / 1000)} ago</span>
    <button class="quiet" onClick=${again}>Refresh</button>
  </p>`;
}
