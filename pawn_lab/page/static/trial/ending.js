import { duration, number } from "../format.js";
import { html } from "../preact.js";
import { Linked } from "../widgets/linked.js";

const WELL = ["completed", "paused"];

/** How a trial ended and, where it broke off, why and what would help. @param {{trial: any}} props */
export function Ending({ trial }) {
  const { exit } = trial;
  if (!exit) return null;
  const well = WELL.includes(trial.state);
  return html`<section class="card ending" data-well=${well}>
    <h2>How it ended</h2>
    <p class=${well ? "" : "bad"}><${Linked} text=${exit.message} /></p>
    <p class="small quiet">${how(exit)}</p>
    ${exit.evidence && html`<p>${numbersText(exit.evidence)}</p>`}
    ${exit.post_mortem && html`<${PostMortem} found=${exit.post_mortem} unit=${trial.progress.unit} />`}
  </section>`;
}

/** @param {any} exit */
function how(exit) {
  const ending =
    exit.signal === null ? `exit code ${exit.code ?? "none"}` : `signal ${exit.signal}`;
  const ran = exit.duration_s === null ? "" : `, after ${duration(exit.duration_s)}`;
  return `${exit.reason}: ${ending}${ran}${exit.checkpoint ? `; saved ${exit.checkpoint}` : ""}`;
}

/** @param {{found: any, unit: string}} props */
function PostMortem({ found, unit }) {
  /** @type {[string, any][]} */
  const facts = [
    ["Kind", found.kind],
    ["Next call", html`<code>${found.next_call}</code>`],
    ["First bad", found.first_bad_step !== null && `${unit} ${found.first_bad_step}`],
    ["Last healthy", found.last_healthy && numbersText(found.last_healthy)],
    [
      "Nearest that ended well",
      found.nearest_good !== null && html`<${Linked} text="trial ${found.nearest_good}" />`,
    ],
    ["Differs from it by", found.differs && differencesText(found.differs)],
  ];
  return html`<dl class="facts">
      ${facts
        .filter(([, value]) => value)
        .map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd>${value}</dd>`,
        )}
    </dl>
    ${found.traceback && html`<pre>${found.traceback}</pre>`}`;
}

/** @param {Record<string, number | string>} numbers */
function numbersText(numbers) {
  const each = Object.entries(numbers).map(([name, value]) => `${name} ${number(value)}`);
  return each.join(", ");
}

/** @param {Record<string, [unknown, unknown]>} differs That trial's value, then this one's. */
function differencesText(differs) {
  const text = (/** @type {unknown} */ value) => JSON.stringify(value);
  const each = Object.entries(differs).map(
    ([name, [theirs, own]]) => `${name} ${text(theirs)} there, ${text(own)} here`,
  );
  return each.join("; ");
}
