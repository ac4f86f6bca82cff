/** The board that is played on: what the model expects drawn over it, moves made by hand. */

import { html, useState } from "../preact.js";
import { ArrowKey, Arrows } from "./arrows.js";
import { Chessboard } from "./chessboard.js";
import { Promotions, targetsOf } from "./playing.js";
import { ends, menOf, whiteMoves } from "./squares.js";

/**
 * @param {object} props
 * @param {string} props.fen
 * @param {string} [props.last] The move that led here.
 * @param {string} [props.played] The move that the game goes on with.
 * @param {any} props.answer Of the question `position`, where it is of this position.
 * @param {boolean} props.flipped
 * @param {(uci: string) => void} props.onMove
 */
export function PlayArea({ fen, last, played, answer, flipped, onMove }) {
  const [from, setFrom] = useState(/** @type {number | null} */ (null));
  const [promotions, setPromotions] = useState(/** @type {any[]} */ ([]));
  const legal = answer?.legal ?? [];
  const play = (/** @type {string} */ uci) => {
    setFrom(null);
    setPromotions([]);
    onMove(uci);
  };
  const choose = (/** @type {number} */ square) => {
    const moves = legal.filter((/** @type {any} */ { uci }) => {
      const [first, second] = ends(uci);
      return first === from && second === square;
    });
    setPromotions(moves.length > 1 ? moves : []);
    if (moves.length === 1) play(moves[0].uci);
    else if (!moves.length) setFrom(targetsOf(legal, square).length ? square : null);
  };
  const side = whiteMoves(fen) ? "White" : "Black";
  return html`<${Chessboard}
      label=${`The board, ${side} to move`}
      men=${menOf(fen)}
      flipped=${flipped}
      lit=${[...(last ? ends(last) : []), ...(from === null ? [] : [from])]}
      targets=${targetsOf(legal, from)}
      onSquare=${choose}
    >
      ${
        answer &&
        from === null &&
        html`<${Arrows}
          legal=${legal.filter((/** @type {any} */ { p }) => p !== undefined)}
          illegal=${answer.illegal ?? []}
          played=${played}
          flipped=${flipped}
        />`
      }
    <//>
    <${ArrowKey} />
    <${Promotions} moves=${promotions} onMove=${play} />`;
}
