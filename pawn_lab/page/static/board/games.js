/** Which game is on the board: from the start, a random one, or one of a PGN text. */

import { html, useState } from "../preact.js";
import { Dialog } from "../widgets/dialog.js";
import { ask } from "./asking.js";

/**
 * @param {object} props
 * @param {(moves: string[], ply: number) => void} props.onGame
 */
export function GameChoice({ onGame }) {
  const [number, setNumber] = useState(0);
  const [pgn, setPgn] = useState(false);
  const [error, setError] = useState("");
  const draw = async () => {
    try {
      const game = await ask("random_game", { number, seed: 0, max_ply: 300 });
      setNumber(number + 1);
      setError("");
      onGame(game.moves, 0);
    } catch (problem) {
      setError(/** @type {Error} */ (problem).message);
    }
  };
  return html`<div class="row">
      <button type="button" onClick=${() => onGame([], 0)}>New game</button>
      <button type="button" onClick=${draw}>Random game ${number}</button>
      <button type="button" onClick=${() => setPgn(true)}>PGN …</button>
    </div>
    ${error && html`<p class="failure" role="alert">${error}</p>`}
    ${
      pgn &&
      html`<${PgnDialog}
        onClose=${() => setPgn(false)}
        onGame=${(/** @type {string[]} */ moves) => {
          setPgn(false);
          onGame(moves, 0);
        }}
      />`
    }`;
}

/** @param {{onClose: () => void, onGame: (moves: string[]) => void}} props */
function PgnDialog({ onClose, onGame }) {
  const [text, setText] = useState("");
  const [games, setGames] = useState(/** @type {any[]} */ ([]));
  const [error, setError] = useState("");
  const read = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const answer = await ask("pgn", { text });
      setError("");
      if (answer.games.length === 1) onGame(answer.games[0].moves);
      else setGames(answer.games);
    } catch (problem) {
      setError(/** @type {Error} */ (problem).message);
    }
  };
  return html`<${Dialog} title="A game of a PGN text" onClose=${onClose}>
    <form class="stack" onSubmit=${read}>
      <label class="field"
        >PGN
        <textarea
          rows="8"
          cols="60"
          required
          value=${text}
          onInput=${(/** @type {any} */ event) => setText(event.target.value)}
        ></textarea>
      </label>
      ${error && html`<p class="failure" role="alert">${error}</p>`}
      <button type="submit" class="main">Read</button>
    </form>
    <ol class="games">
      ${games.map(
        ({ white, black, moves }) =>
          html`<li>
            <button type="button" onClick=${() => onGame(moves)}>
              ${white || "?"} against ${black || "?"}, ${moves.length} plies
            </button>
          </li>`,
      )}
    </ol>
  <//>`;
}
