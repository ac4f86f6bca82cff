/** What a person can do to a trial: each is a call of a tool, whose answer is shown. */

import { Asked } from "../acting/asked.js";
import { Author } from "../acting/author.js";
import { useCall } from "../acting/call.js";
import { html, render, useState } from "../preact.js";
import { link, useSource } from "../state.js";
import { Answer } from "./answer.js";
import { Dialog, closing } from "./dialog.js";

/**
 * @typedef {{id: number, state: string, on_hold?: boolean, tags?: string[]}} Trial
 *
 * @typedef {object} Action
 * @property {string} title
 * @property {string} tool
 * @property {(trial: Trial) => boolean} fits
 * @property {string} about
 * @property {(props: {trial: Trial}) => any} [Before] Shown above what is to be decided.
 * @property {string} [asks] For which text.
 * @property {boolean} [long] Whether the text may have lines.
 * @property {(trial: Trial) => string} [begin] The text to begin with.
 * @property {(trial: Trial, text: string) => Record<string, unknown>} args
 */

const GOING_ON = ["queued", "launching", "running"];

/** @type {Action[]} */
const ACTIONS = [
  {
    title: "Approve",
    tool: "lab_approve",
    fits: ({ on_hold }) => on_hold === true,
    about: "It starts as soon as a device is free.",
    Before: Asked,
    args: ({ id }) => ({ trial_ids: [id] }),
  },
  {
    title: "Refuse",
    tool: "lab_kill",
    fits: ({ on_hold }) => on_hold === true,
    about: "It is taken out of the queue and never runs; whoever asked for it reads why.",
    asks: "Why",
    args: ({ id }, reason) => ({ trial_id: id, reason: reason || null }),
  },
  {
    title: "Stop",
    tool: "lab_kill",
    fits: ({ state, on_hold }) => GOING_ON.includes(state) && !on_hold,
    about: "A running trial saves a checkpoint first and can be resumed; a queued one never runs.",
    asks: "Why",
    args: ({ id }, reason) => ({ trial_id: id, reason: reason || null }),
  },
  {
    title: "Note",
    tool: "lab_notes",
    fits: () => true,
    about:
      "Added to the lab notes, for people and agents. A note that names a failed trial answers for it.",
    asks: "Markdown",
    long: true,
    begin: ({ id }) => `Trial ${id}: `,
    args: (_, append) => ({ append }),
  },
  {
    title: "Tags",
    tool: "lab_tag",
    fits: () => true,
    about: "All that it is to have.",
    asks: "Tags, a comma between two",
    begin: ({ tags }) => (tags ?? []).join(", "),
    args: tagged,
  },
];

/** What makes a trial's tags those of a text. @param {Trial} trial @param {string} text */
function tagged({ id, tags = [] }, text) {
  const wanted = listed(text);
  const add = wanted.filter((tag) => !tags.includes(tag));
  const remove = tags.filter((tag) => !wanted.includes(tag));
  return { trial_ids: [id], add, remove };
}

/** The items of a text between commas. @param {string} text */
export function listed(text) {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
}

/**
 * The buttons of a trial; none where nothing is allowed.
 *
 * @param {{trial: Trial, only?: string[]}} props only: these tools.
 */
export function TrialActions({ trial, only }) {
  const { can, kind } = useSource();
  if (!can.control) return null;
  const fitting = ACTIONS.filter(({ tool, fits }) => fits(trial) && (only?.includes(tool) ?? true));
  const button = (/** @type {Action} */ action) =>
    html`<button onClick=${() => open(action, trial)}>
      ${action.title}<span class="unseen"> trial ${trial.id}</span>
    </button>`;
  return html`<div class="row actions">
    ${fitting.map(button)} ${!only && kind === "live" && html`<${Further} trial=${trial} />`}
  </div>`;
}

/**
 * Open a window that stays until it is closed: the buttons go where the lab's answer ends the need
 * for them.
 *
 * @param {Action} action
 * @param {Trial} trial
 */
function open(action, trial) {
  const layer = document.body.appendChild(document.createElement("div"));
  const close = () => {
    render(html``, layer);
    layer.remove();
  };
  render(html`<${ActionDialog} action=${action} trial=${trial} onClose=${close} />`, layer);
}

/** Links to the form that resumes, forks or repeats. @param {{trial: Trial}} props */
function Further({ trial }) {
  const ended = !GOING_ON.includes(trial.state);
  return html`
    ${
      trial.state !== "queued" &&
      html`<a href=${link("launch", { resume: trial.id })}>${ended ? "Resume or fork" : "Fork"}</a>`
    }
    <a href=${link("launch", { like: trial.id })}>Launch one like it</a>
  `;
}

/** @param {{action: Action, trial: Trial, onClose: () => void}} props */
function ActionDialog({ action, trial, onClose }) {
  const [text, setText] = useState(action.begin?.(trial) ?? "");
  const call = useCall();
  const submit = () => call.send(action.tool, action.args(trial, text));
  const title = `${action.title}: trial ${trial.id}`;
  if (call.answer) return html`<${Done} title=${title} answer=${call.answer} onClose=${onClose} />`;
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <div class="action stack">
      ${action.Before && html`<${action.Before} trial=${trial} />`}
      <p class="quiet">${action.about}</p>
      ${action.asks && html`<${Text} action=${action} text=${text} onText=${setText} />`}
      <${Author} />
      ${call.error && html`<p class="failure" role="alert">${call.error}</p>`}
      <div class="row">
        <button class="main" disabled=${call.pending} onClick=${submit}>${action.title}</button>
        <button onClick=${closing}>Cancel</button>
      </div>
    </div>
  <//>`;
}

/** @param {{action: Action, text: string, onText: (text: string) => void}} props */
function Text({ action, text, onText }) {
  const given = { value: text, onInput: (/** @type {any} */ event) => onText(event.target.value) };
  return html`<label class="field">
    ${action.asks}
    ${action.long ? html`<textarea rows="6" ...${given}></textarea>` : html`<input ...${given} />`}
  </label>`;
}

/** @param {{title: string, answer: any, onClose: () => void}} props */
function Done({ title, answer, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <div class="action stack" role="status">
      <p class="good">Done; the lab answers:</p>
      <${Answer} answer=${answer} without=${["next_check_s"]} />
      <button class="main" onClick=${closing}>Close</button>
    </div>
  <//>`;
}

/**
 * The trials that wait for a person, each with what can be decided.
 *
 * @param {{trials: (Trial & {hypothesis?: string | null})[]}} props
 */
export function Holds({ trials }) {
  const held = trials.filter(({ on_hold }) => on_hold);
  if (!held.length) return null;
  return html`<section class="card holds" aria-labelledby="holds-title">
    <h2 id="holds-title">Waiting for your approval</h2>
    <ul>
      ${held.map(
        (trial) =>
          html`<li class="row">
            <a href=${link("trial", { id: trial.id })}>trial ${trial.id}</a>
            <span class="quiet"
              >${[...(trial.tags ?? []), trial.hypothesis].filter(Boolean).join(" · ")}</span
            >
            <${TrialActions} trial=${trial} only=${["lab_approve", "lab_kill"]} />
          </li>`,
      )}
    </ul>
  </section>`;
}
