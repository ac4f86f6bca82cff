/** Moves of a person's and of the model's. */

import { html, useEffect, useState } from "../preact.js";
import { Choice } from "../widgets/form.js";
import { ends } from "./squares.js";

/** @typedef {{uci: string, san: string}} Named */

const SIDES = /** @type {[string, string][]} */ ([
  ["", "nobody"],
  ["white", "White"],
  ["black", "Black"],
]);
const CHANCES = /** @type {[string, string][]} */ ([
  ["0", "likeliest"],
  ["0.5", "0.5"],
  ["1", "1"],
  ["2", "2"],
]);

/** The legal move that a text names, in SAN or UCI. @param {Named[]} legal @param {string} text */
export function namedMove(legal, text) {
  const plain = (/** @type {string} */ san) => san.replace(/[+#x=]/g, "").replace(/0/g, "O");
  const wanted = text.trim();
  return legal.find(
    ({ uci, san }) => uci === wanted || san === wanted || plain(san) === plain(wanted),
  );
}

/** Where the moves of a man go. @param {Named[]} legal @param {number | null} from */
export function targetsOf(legal, from) {
  const to = legal.map(({ uci }) => ends(uci)).filter(([first]) => first === from);
  return [...new Set(to.map(([, last]) => last))];
}

/**
 * @param {object} props
 * @param {Named[] | null} props.legal Null while they are not known: what is sent waits for them.
 * @param {(uci: string) => void} props.onMove
 */
export function MoveField({ legal, onMove }) {
  const [text, setText] = useState("");
  const [sent, setSent] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState("");
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    setSent(text);
  };
  useEffect(() => {
    if (sent === null || legal === null) return;
    setSent(null);
    const move = namedMove(legal, sent);
    setError(move ? "" : `${sent} is no legal move here`);
    if (!move) return;
    setText("");
    onMove(move.uci);
  }, [sent, legal]);
  return html`<form class="row" onSubmit=${send}>
    <label class="choice"
      >Move
      <input
        size="8"
        maxlength="8"
        required
        placeholder="Nf3, e2e4"
        autocomplete="off"
        value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}
    /></label>
    <button type="submit">Play</button>
    ${error && html`<span class="bad small" role="alert">${error}</span>`}
  </form>`;
}

/** Several moves of the same squares: promotions. @param {{moves: Named[], onMove: (uci: string) => void}} props */
export function Promotions({ moves, onMove }) {
  if (!moves.length) return null;
  return html`<div class="row" role="group" aria-label="Promote to">
    ${moves.map(
      ({ uci, san }) =>
        html`<button key=${uci} type="button" onClick=${() => onMove(uci)}>${san}</button>`,
    )}
  </div>`;
}

/**
 * Whether the model plays, and how.
 *
 * @param {object} props
 * @param {string} props.side "white", "black" or empty.
 * @param {string} props.temperature
 * @param {(patch: import("../state.js").Patch) => void} props.set
 * @param {boolean} props.may Whether there is a move to make.
 * @param {() => void} props.onModel
 */
export function ModelMoves({ side, temperature, set, may, onModel }) {
  return html`<div class="row">
    <button type="button" disabled=${!may} onClick=${onModel}>Model moves</button>
    <${Choice}
      label="It plays"
      value=${side}
      options=${SIDES}
      onChange=${(/** @type {string} */ plays) => set({ plays })}
    />
    <${Choice}
      label="Temperature"
      value=${temperature}
      options=${CHANCES}
      onChange=${(/** @type {string} */ temperature) => set({ temperature })}
    />
  </div>`;
}
