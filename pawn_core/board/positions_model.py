"""A model of positions at the board: it looks at each position anew.

Shapes: p the 4,672 indices of moves, m legal moves, k outputs of a task's head, 8 x 8 squares.
"""

from collections.abc import Iterator
from typing import Any

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.board.games import MEN, Game
from pawn_core.board.law import Law
from pawn_core.board.predictions import NotPredicted, Prediction
from pawn_core.config import ConfigError
from pawn_core.config.position_tasks import IGNORED, PositionTask, position_task
from pawn_core.evaluation.subjects import PositionSubject
from pawn_core.uci.policy_games import PolicyGames

_NO_WORDS = [""] * chess_engine.POLICY_SIZE
_CLASSES: dict[str, list[str]] = {
    "piece": list(MEN),
    "control": ["black", "even", "white"],
    "king_safety": ["0", "1", "2+"],
}
_STRUCTURE = (
    *("white pawns", "black pawns", "isolated", "doubled"),
    *("passed", "king shield", "open files", "semi-open files"),
)


class PositionsModel:
    """Its policy, its value and what its heads say of each square."""

    def __init__(self, subject: PositionSubject) -> None:
        self._subject, self._model = subject, subject.pretrained.model
        self.law = Law.of(subject.trained_by, prefixed=False, of_positions=True)
        self.player = PolicyGames(self._model)

    def document(self) -> dict[str, Any]:
        """Return what it is, as JSON."""
        facts = {"kind": "positions", "outcomes": [], "max_ply": None}
        return self._subject.document() | facts

    @torch.inference_mode()
    def predict(self, game: Game, ply: int, outcome: str) -> Prediction:
        """Return its policy among the legal moves, as it is learned, after so many of a game.

        Raises:
            NotPredicted: the game is over there.
            ConfigError: it reads no outcome.
        """
        if outcome:
            raise ConfigError(f"outcome {outcome!r}: the model reads none; leave it out")
        fen, moves = game.fens[ply], game.legal(ply)
        if not moves:
            raise NotPredicted("the game is over: the policy has no move to expect")
        indices, _ = chess_engine.policy_indices([fen], [moves])
        says = self._model(_planes(fen), tasks=())
        policy_p, legal_m = says.policy[0].double(), torch.from_numpy(indices.astype(np.int64))
        log_p_p = torch.full_like(policy_p, -torch.inf)
        log_p_p[legal_m] = policy_p[legal_m].log_softmax(dim=0)
        mass = float(policy_p.softmax(dim=0)[legal_m].sum())
        return Prediction(log_p_p, legal_m, None, _NO_WORDS, mass, float(says.value[0]))

    @torch.inference_mode()
    def squares(self, game: Game, ply: int, layer: int | None, outcome: str) -> dict[str, Any]:
        """Return what its heads say of each square, beside the truth.

        Raises:
            ConfigError: a layer or an outcome is asked for, of which it has none.
        """
        if layer is not None or outcome:
            raise ConfigError("layer, outcome: the heads of a model of positions have neither")
        encoded = chess_engine.encode_positions([game.fens[ply]], legal=False)
        readings = [
            reading
            for name in self._model.spec.tasks
            for reading in _readings(
                position_task(name), self._task(name, game.fens[ply]), encoded.target(name)[0]
            )
        ]
        return {"layer": None, "layers": [], "readings": readings, "facts": [], "fitted": None}

    def _task(self, name: str, fen: str) -> Tensor:
        """Return a head's logits (k, 8, 8); of what could be copied, with the square hidden."""
        planes = _planes(fen)
        if not position_task(name).of_hidden:
            return self._model.task_logits(self._model.squares(planes), [name])[name][0]
        hidden = torch.eye(64, dtype=torch.bool).view(64, 8, 8)
        squares = self._model.squares(planes.expand(64, -1, -1, -1), hidden)
        logits = self._model.task_logits(squares, [name])[name].flatten(2)
        return logits[torch.arange(64), :, torch.arange(64)].T.unflatten(1, (8, 8))


def _planes(fen: str) -> Tensor:
    encoded = chess_engine.encode_positions([fen], targets=False, legal=False)
    return torch.from_numpy(encoded.planes)


def _readings(
    task: PositionTask, logits: Tensor, target: NDArray[np.uint8]
) -> Iterator[dict[str, Any]]:
    """Yield a board of what is read and what is true, of each plane of a binary task."""
    if task.law == "classes":
        yield _reading(task.name, logits.argmax(dim=0).numpy(), target, _CLASSES[task.name])
        return
    planes = target[None] if task.outputs == 1 else target
    for number, plane in enumerate(planes):
        name = task.name if task.outputs == 1 else f"{task.name}: {_STRUCTURE[number]}"
        yield _reading(name, (logits[number] > 0).long().numpy(), plane, ["no", "yes"])


def _reading(
    name: str, read: NDArray[Any], truth: NDArray[Any], classes: list[str]
) -> dict[str, Any]:
    """Return a board by square, a1 first; null where there is nothing to read."""
    by_square = np.arange(64) ^ 56
    pairs = zip(read.ravel()[by_square].tolist(), truth.ravel()[by_square].tolist(), strict=True)
    both = [(None, None) if true == IGNORED else (said, true) for said, true in pairs]
    return {
        "name": name,
        "classes": classes,
        "read": [said for said, _ in both],
        "truth": [true for _, true in both],
    }
