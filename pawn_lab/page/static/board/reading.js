/** The board as it can be read off a model, with the squares that are read wrongly marked. */

import { number, percent } from "../format.js";
import { html } from "../preact.js";
import { Choice } from "../widgets/form.js";
import { Answered } from "../widgets/status.js";
import { Chessboard } from "./chessboard.js";
import { manName } from "./pieces.js";
import { corner, SIDE, squareName } from "./squares.js";

const MEN = "PNBRQKpnbrqk.";

/**
 * @typedef {{name: string, classes: string[], read: (number | null)[], truth: (number | null)[]}} Reading
 * @typedef {{probe: string, output: string, read: string, truth: string, right: boolean}} Fact
 * @typedef {{name: string, accuracy: number, occupied: number}} Layer
 *
 * @param {object} props
 * @param {import("./asking.js").Answer} props.view Of the question `probes`.
 * @param {boolean} props.flipped
 * @param {Record<string, string>} props.params
 * @param {(patch: import("../state.js").Patch) => void} props.set
 */
export function Read({ view, flipped, params, set }) {
  return html`<${Answered} view=${view}>
    ${(/** @type {any} */ answer) =>
      answer.why
        ? html`<p role="status">${answer.why}.</p>`
        : html`<${Readings} ...${{ answer, flipped, params, set }} />`}
  <//>`;
}

/** @param {{answer: any, flipped: boolean, params: Record<string, string>, set: any}} props */
function Readings({ answer, flipped, params, set }) {
  const readings = /** @type {Reading[]} */ (answer.readings);
  const reading = readings.find(({ name }) => name === params.reading) ?? readings[0];
  if (!reading)
    return html`<p class="empty">The model has no head that says what stands where.</p>`;
  const wrong = wrongSquares(reading);
  return html`<div class="row">
      ${
        answer.layers.length > 0 &&
        html`<${Choice}
          label="Layer"
          value=${String(answer.layer)}
          options=${answer.layers.map(layerOption)}
          onChange=${(/** @type {string} */ layer) => set({ layer })}
        />`
      }
      ${
        readings.length > 1 &&
        html`<${Choice}
          label="Head"
          value=${reading.name}
          options=${readings.map(({ name }) => [name, name.replaceAll("_", " ")])}
          onChange=${(/** @type {string} */ name) => set({ reading: name })}
        />`
      }
    </div>
    <${ReadBoard} ...${{ reading, wrong, flipped }} />
    <p role="status">
      ${wrong.length ? `${wrong.length} of ${asked(reading)} squares wrong` : "every square right"}
    </p>
    <${Fitted} answer=${answer} />
    ${wrong.length > 0 && html`<${WrongTable} ...${{ reading, wrong }} />`}
    ${answer.facts.length > 0 && html`<${Facts} facts=${answer.facts} />`}`;
}

/** @param {Layer} layer @param {number} index @returns {[string, string]} */
function layerOption({ name, occupied }, index) {
  return [String(index), `${name}: ${percent(occupied)} of men right`];
}

/** @param {Reading} reading */
function wrongSquares({ read, truth }) {
  return read.flatMap((said, square) => (said !== truth[square] ? [square] : []));
}

/** How many squares there were to read. @param {Reading} reading */
function asked({ truth }) {
  return truth.filter((value) => value !== null).length;
}

/** @param {{reading: Reading, wrong: number[], flipped: boolean}} props */
function ReadBoard({ reading, wrong, flipped }) {
  const ofMen = reading.classes.length === MEN.length;
  const men = reading.read.map((said) => (ofMen && said !== null ? MEN[said] : "."));
  return html`<${Chessboard} label="The board as it is read" men=${men} flipped=${flipped}>
    ${
      !ofMen &&
      reading.read.map(
        (said, square) =>
          said !== null &&
          html`<${Word} ...${{ square, flipped, word: short(reading.classes[said]) }} />`,
      )
    }
    ${wrong.map((square) => html`<${Wrong} ...${{ square, flipped }} />`)}
  <//>`;
}

/** What fits on a square. @param {string} word */
function short(word) {
  return (
    /** @type {Record<string, string>} */ ({
      yes: "●",
      no: "",
      white: "W",
      black: "B",
      even: "=",
    })[word] ?? word
  );
}

/** @param {{square: number, flipped: boolean, word: string}} props */
function Word({ square, flipped, word }) {
  const { x, y } = corner(square, flipped);
  return html`<text class="word" x=${x + SIDE / 2} y=${y + SIDE / 2 + 6}>${word}</text>`;
}

/** A frame and a cross: colour alone would not do. @param {{square: number, flipped: boolean}} props */
function Wrong({ square, flipped }) {
  const { x, y } = corner(square, flipped);
  return html`<g class="wrong" data-wrong=${squareName(square)}>
    <rect x=${x + 1.5} y=${y + 1.5} width=${SIDE - 3} height=${SIDE - 3} />
    <path d="M${x + SIDE - 13} ${y + 4}l9 9m0-9l-9 9" />
  </g>`;
}

/** How far what is read can be trusted. @param {{answer: any}} props */
function Fitted({ answer }) {
  if (!answer.fitted)
    return html`<p class="quiet small">
      Read by the model's own heads; of pieces, with the square that is read hidden from it.
    </p>`;
  const { games, positions, held_out_games, outcome } = answer.fitted;
  const layer = /** @type {Layer} */ (answer.layers[answer.layer]);
  return html`<p class="quiet small">
    Linear probes, fitted here in closed form to ${number(positions)} positions of ${games} random
    games: on ${held_out_games} others, ${percent(layer.accuracy)} of squares and
    ${" "}${percent(layer.occupied)} of men are right at this layer. An evaluation's probes are
    trained longer and read better.${outcome && ` In front of the game stands ${outcome}.`}
  </p>`;
}

/** @param {{reading: Reading, wrong: number[]}} props */
function WrongTable({ reading, wrong }) {
  const ofMen = reading.classes.length === MEN.length;
  const said = (/** @type {number | null} */ value) => {
    if (value === null) return "–";
    return ofMen ? manName(MEN[value]) : reading.classes[value];
  };
  return html`<details>
    <summary>Squares that are read wrongly</summary>
    <table>
      <thead>
        <tr>
          <th scope="col">Square</th>
          <th scope="col">Read</th>
          <th scope="col">True</th>
        </tr>
      </thead>
      <tbody>
        ${wrong.map(
          (square) =>
            html`<tr key=${square}>
              <th scope="row">${squareName(square)}</th>
              <td>${said(reading.read[square])}</td>
              <td>${said(reading.truth[square])}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

/** What else probes read off the same state. @param {{facts: Fact[]}} props */
function Facts({ facts }) {
  const wrong = facts.filter(({ right }) => !right).length;
  return html`<details>
    <summary>What else is read: ${facts.length - wrong} of ${facts.length} right</summary>
    <table>
      <thead>
        <tr>
          <th scope="col">Probe</th>
          <th scope="col">Of</th>
          <th scope="col">Read</th>
          <th scope="col">True</th>
        </tr>
      </thead>
      <tbody>
        ${facts.map(
          ({ probe, output, read, truth, right }) =>
            html`<tr key=${probe + output} class=${right ? "" : "bad"}>
              <th scope="row">${probe.replaceAll("_", " ")}</th>
              <td>${output.replaceAll("_", " ")}</td>
              <td>${right ? "" : "✕ "}${read}</td>
              <td>${truth}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}
