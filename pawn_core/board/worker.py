"""The answers: of a game without a model, of the model that is held otherwise.

Shapes: m legal moves.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from pawn_core.board.games import Game, games_of_pgn, random_game
from pawn_core.board.law import Law
from pawn_core.board.moves_model import MovesModel
from pawn_core.board.positions_model import PositionsModel
from pawn_core.board.predictions import NotPredicted, Prediction
from pawn_core.board.questions import (
    CurveQuestion,
    ModelQuestion,
    MoveQuestion,
    PlyQuestion,
    ProbesQuestion,
    parse_question,
)
from pawn_core.config import ConfigError
from pawn_core.evaluation.subjects import PositionSubject, load_measured
from pawn_core.threads import usable_cores
from pawn_core.uci.front import Chooser
from pawn_core.uci.game_positions import GamePosition
from pawn_core.uci.play_settings import PlaySettings


class BoardModel(Protocol):
    """A model of either kind."""

    @property
    def law(self) -> Law:
        """The random play that it learned, or a yardstick."""
        ...

    @property
    def player(self) -> Chooser:
        """Chooses its moves."""
        ...

    def document(self) -> dict[str, Any]:
        """Return what it is, as JSON."""
        ...

    def predict(self, game: Game, ply: int, outcome: str) -> Prediction:
        """Return what it expects after so many moves; raises NotPredicted where it says nothing."""
        ...

    def squares(self, game: Game, ply: int, layer: int | None, outcome: str) -> dict[str, Any]:
        """Return the board as it can be read off the model, beside the truth."""
        ...


class BoardWorker:
    """Answers questions, and holds the model of the last that needed one.

    Args:
        trials: folder of the trials that `trial:N` is looked for in.
    """

    def __init__(self, trials: Path) -> None:
        self._run_dir = trials / "board" / "run"  # beside the trials
        self._held: tuple[str, BoardModel] | None = None

    def answer(self, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is answered, as JSON.

        Raises:
            ConfigError: the question is not allowed, or there are no such weights.
        """
        question = parse_question(name, fields)
        return _ANSWERS[name](self, question)

    def held(self, question: ModelQuestion) -> BoardModel:
        """Return the model of a question, loaded if another is held."""
        if self._held is None or self._held[0] != question.source:
            self._held = None  # two at once may not fit
            self._held = question.source, load(question.source, self._run_dir)
        return self._held[1]


def load(source: str, run_dir: Path) -> BoardModel:
    """Return the model of a source, of whichever kind it is.

    Raises:
        ConfigError: there are no such weights, they are damaged, or predict no moves.
    """
    subject = load_measured(source, run_dir, torch.device("cpu"))
    of_positions = isinstance(subject, PositionSubject)
    return PositionsModel(subject) if of_positions else MovesModel(subject)


def _position(worker: BoardWorker, question: PlyQuestion) -> dict[str, Any]:
    """Return the distribution over moves, likeliest first, beside the law."""
    game, model = Game.of(question.moves), worker.held(question)
    ply = game.check_ply(question.ply)
    fen, ucis = game.fens[ply], game.legal(ply)
    law_m = model.law.probabilities(fen, ucis) if ucis else np.empty(0)
    answer: dict[str, Any] = {
        "fen": fen,
        "ply": ply,
        "over": game.over_at(ply),
        "law": model.law.document(),
        "model": model.document(),
    }
    rows: list[dict[str, Any]] = [
        {"uci": uci, "san": san, "law": law}
        for uci, san, law in zip(ucis, game.legal_sans(ply), law_m.tolist(), strict=True)
    ]
    try:
        prediction = model.predict(game, ply, question.outcome)
    except NotPredicted as why:
        return answer | {"why": str(why), "legal": rows}
    for row, p in zip(rows, prediction.legal.tolist(), strict=True):
        row["p"] = p
    return answer | {
        "legal": sorted(rows, key=lambda row: -row["p"]),
        "illegal": prediction.illegal(),
        "end": prediction.end(),
        "value": prediction.value,
        "measures": prediction.measures(law_m) if ucis else None,
    }


def _curve(worker: BoardWorker, question: CurveQuestion) -> dict[str, Any]:
    """Return columns over the plies; null where the model predicts nothing."""
    game, model = Game.of(question.moves), worker.held(question)
    rows = list(_curve_rows(game, model, question.outcome))
    names = ("p", "law", "legal_mass", "kl")
    return {"plies": len(rows)} | {name: [row.get(name) for row in rows] for name in names}


def _curve_rows(game: Game, model: BoardModel, outcome: str) -> Iterator[dict[str, float]]:
    for ply, uci in enumerate(game.ucis):
        legal = game.legal(ply)
        law_m, played = model.law.probabilities(game.fens[ply], legal), legal.index(uci)
        try:
            prediction = model.predict(game, ply, outcome)
        except NotPredicted:
            yield {"law": float(law_m[played])}
            continue
        p = {"p": float(prediction.legal[played]), "law": float(law_m[played])}
        yield p | prediction.measures(law_m)


def _probes(worker: BoardWorker, question: ProbesQuestion) -> dict[str, Any]:
    game, model = Game.of(question.moves), worker.held(question)
    ply = game.check_ply(question.ply)
    try:
        return model.squares(game, ply, question.layer, question.outcome)
    except NotPredicted as why:
        return {"why": str(why)}


def _move(worker: BoardWorker, question: MoveQuestion) -> dict[str, Any]:
    game, model = Game.of(question.moves), worker.held(question)
    allowed = game.legal(len(game.ucis))
    if not allowed:
        raise ConfigError(f"moves: the game is over ({game.ending}), there is no move")
    settings = PlaySettings(
        question.temperature, question.seed, question.game, threads=usable_cores()
    )
    choice = model.player.choose(GamePosition(game.fens[-1], game.ucis), allowed, settings)
    return {"uci": choice.uci, "note": choice.note}


_ANSWERS: dict[str, Callable[[BoardWorker, Any], dict[str, Any]]] = {
    "game": lambda _, question: Game.of(question.moves).document(),
    "random_game": lambda _, question: random_game(question).document(),
    "pgn": lambda _, question: games_of_pgn(question),
    "position": _position,
    "curve": _curve,
    "probes": _probes,
    "move": _move,
}
"""One for each of `questions.QUESTIONS`."""
