/** The board: a game, and what a model expects of it and reads off it. */

import { ask, useAnswer } from "../board/asking.js";
import { Expected } from "../board/expected.js";
import { GameCurves } from "../board/game_curves.js";
import { GameChoice } from "../board/games.js";
import { PlayArea } from "../board/play_area.js";
import { ModelMoves, MoveField } from "../board/playing.js";
import { Read } from "../board/reading.js";
import { Replay } from "../board/replay.js";
import { whiteMoves } from "../board/squares.js";
import { ModelChoice } from "../board/weights.js";
import { count } from "../format.js";
import { html, useEffect, useRef, useState } from "../preact.js";
import { useRoute, useSource } from "../state.js";
import { Choice, Tick } from "../widgets/form.js";
import { Empty } from "../widgets/status.js";

/** @type {import("./index.js").PageEntry} */
export const board = { name: "board", title: "Board", key: "b", Page };

const START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

/**
 * @typedef {ReturnType<typeof useRoute>} Route
 * @typedef {import("../board/asking.js").Answer} Answer
 * @typedef {{moves: string[], ply: number}} Line
 */

function Page() {
  const { can, kind, session } = useSource();
  if (kind !== "live")
    return html`<h1>Board</h1>
      <${Empty}>The board needs a model beside it: open it in the dashboard.<//>`;
  return html`<h1>Board</h1>
    ${can.board ? html`<${Board} />` : session && html`<${Empty}>This server has no board.<//>`}`;
}

function Board() {
  const route = useRoute();
  const { params, set } = route;
  const line = lineOf(params);
  const asked = questionsOf(params, line);
  const game = useAnswer("game", line.moves.length ? { moves: line.moves } : null);
  const position = useAnswer("position", asked.position);
  const flipped = params.flip === "true";
  const answer = position.pending || position.error ? null : position.answer;
  const { play, modelMoves, error } = usePlay(route, line, answer);
  const known = game.pending ? null : game.answer;
  const fen = useFen(line, known?.fens[line.ply] ?? answer?.fen);
  return html`<${ModelChoice}
      source=${params.source ?? ""}
      onSource=${(/** @type {string} */ source, /** @type {any} */ how) =>
        set({ source, layer: null, reading: null, outcome: null }, how)}
    />
    <${GameChoice}
      onGame=${(/** @type {string[]} */ moves, /** @type {number} */ ply) =>
        set({ moves: moves.join(","), ply: moves.length ? String(ply) : null, game: newNumber() })}
    />
    ${game.error && html`<p class="failure" role="alert">${game.error.message}</p>`}
    <div class="board-page">
      <section aria-label="Board">
        <${PlayArea}
          fen=${fen}
          last=${line.moves[line.ply - 1]}
          played=${line.moves[line.ply]}
          answer=${answer}
          flipped=${flipped}
          onMove=${play}
        />
        <${Replay}
          sans=${known?.sans ?? line.moves}
          ply=${line.ply}
          onPly=${(/** @type {number} */ ply) => set({ ply: String(ply) }, { replace: true })}
        />
        <${MoveField} legal=${answer?.legal ?? null} onMove=${play} />
        <${ModelMoves}
          side=${params.plays ?? ""}
          temperature=${params.temperature ?? "1"}
          set=${set}
          may=${answer?.legal.length > 0}
          onModel=${modelMoves}
        />
        ${error && html`<p class="failure" role="alert">${error}</p>`}
        <${Tick}
          label="Black below"
          checked=${flipped}
          onChange=${(/** @type {boolean} */ flip) => set({ flip })}
        />
      </section>
      <${Expectation} ...${{ route, position, play }} />
      <${Probed} ...${{ route, fields: asked.probes, flipped }} />
    </div>
    <${Whole} ...${{ route, fields: asked.curve, ply: line.ply }} />`;
}

/** @param {Record<string, string>} params @returns {Line} */
function lineOf(params) {
  const moves = params.moves ? params.moves.split(",") : [];
  const ply = params.ply === undefined ? moves.length : Number(params.ply) || 0;
  return { moves, ply: Math.max(0, Math.min(moves.length, ply)) };
}

/** The position, until it is told the last one. @param {Line} line @param {string} [told] */
function useFen({ moves }, told) {
  const last = useRef(START);
  last.current = told ?? (moves.length ? last.current : START);
  return last.current;
}

/** What the board's process is asked; null for what is not. @param {Record<string, string>} params @param {Line} line */
function questionsOf(params, { moves, ply }) {
  const { source, outcome = "", layer } = params;
  if (!source) return { position: null, probes: null, curve: null };
  const fields = { source, moves, outcome };
  const probes = { ...fields, ply, ...(layer ? { layer: Number(layer) } : {}) };
  return {
    position: { ...fields, ply },
    probes: params.probes ? probes : null,
    curve: params.curve ? fields : null,
  };
}

/** For the model's random numbers: each new game has others. */
function newNumber() {
  return Math.floor(1e6 * Math.random());
}

/** Moves by hand, and the model's answers to them. @param {Route} route @param {Line} line @param {any} answer */
function usePlay({ params, set }, { moves, ply }, answer) {
  const [error, setError] = useState("");
  const play = (/** @type {string} */ uci) => {
    if (moves[ply] === uci) set({ ply: String(ply + 1) });
    else set({ moves: [...moves.slice(0, ply), uci].join(","), ply: null });
  };
  const modelMoves = async () => {
    const temperature = Number(params.temperature ?? 1);
    const fields = { source: params.source, moves: moves.slice(0, ply), temperature };
    try {
      const { uci, note } = await ask("move", { ...fields, game: Number(params.game ?? 0) });
      setError(note);
      play(uci);
    } catch (problem) {
      setError(/** @type {Error} */ (problem).message);
    }
  };
  const turn = answer && (whiteMoves(answer.fen) ? "white" : "black");
  const isDue = turn === params.plays && ply === moves.length && answer.legal.length > 0;
  useEffect(() => {
    if (isDue) modelMoves();
  }, [isDue, params.moves, params.plays]);
  return { play, modelMoves, error };
}

/** @param {{route: Route, position: Answer, play: (uci: string) => void}} props */
function Expectation({ route: { params, set }, position, play }) {
  const { answer, error } = position;
  return html`<section aria-label="What the model expects" aria-busy=${position.pending}>
    <h2>What the model expects</h2>
    ${error && html`<p class="failure" role="alert">${error.message}</p>`}
    ${!answer && !error && html`<p class="quiet" role="status">The model is being loaded …</p>`}
    ${
      answer &&
      !error &&
      html`<${ModelFacts} ...${{ model: answer.model, params, set }} />
        <${Expected}
          answer=${answer}
          all=${params.all === "true"}
          onAll=${() => set({ all: params.all !== "true" }, { replace: true })}
          onMove=${play}
        />`
    }
  </section>`;
}

/** @param {{model: any, params: Record<string, string>, set: Route["set"]}} props */
function ModelFacts({ model, params, set }) {
  const { step, sha256 } = model.weights;
  const kind = model.kind === "positions" ? "a model of positions" : "a model of moves";
  const named = (/** @type {string} */ outcome) => [outcome, outcome.replaceAll("_", " ")];
  return html`<p class="small quiet">
      ${count(model.model.parameters)} parameters, ${kind}${step !== null && `, step ${step}`},
      <span class="mono"> ${sha256.slice(0, 12)}</span>
    </p>
    ${
      model.outcomes.length > 0 &&
      html`<${Choice}
        label="Told the outcome"
        value=${params.outcome ?? ""}
        options=${[["", "none, by Bayes' rule"], ...model.outcomes.map(named)]}
        onChange=${(/** @type {string} */ outcome) => set({ outcome })}
      />`
    }`;
}

/** @param {{route: Route, fields: any, flipped: boolean}} props */
function Probed({ route: { params, set }, fields, flipped }) {
  const view = useAnswer("probes", fields);
  return html`<section aria-label="What it reads" aria-busy=${fields !== null && view.pending}>
    <h2>The board as it reads it</h2>
    <${Tick}
      label="Read the board off the model"
      checked=${params.probes === "true"}
      onChange=${(/** @type {boolean} */ probes) => set({ probes })}
    />
    ${fields && html`<${Read} ...${{ view, flipped, params, set }} />`}
    ${
      !fields &&
      html`<p class="quiet small">
        Linear probes on each layer, fitted at the first question: seconds for a small model,
        minutes for a large one.
      </p>`
    }
  </section>`;
}

/** @param {{route: Route, fields: any, ply: number}} props */
function Whole({ route: { params, set }, fields, ply }) {
  const view = useAnswer("curve", fields);
  return html`<section aria-label="The whole game">
    <h2>The whole game</h2>
    <${Tick}
      label="Legal mass and distance to the law by ply"
      checked=${params.curve === "true"}
      onChange=${(/** @type {boolean} */ curve) => set({ curve })}
    />
    ${fields && html`<${GameCurves} view=${view} ply=${ply} />`}
  </section>`;
}
