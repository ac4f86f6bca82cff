"""A model of moves at the board: it reads a game from its first move on.

Shapes: n plies, v tokens, m legal moves.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.board.games import Game
from pawn_core.board.law import Law
from pawn_core.board.predictions import NotPredicted, Prediction
from pawn_core.board.square_probes import SquareProbes
from pawn_core.config import ConfigError
from pawn_core.config.errors import shown
from pawn_core.config.eval import EvalConfig
from pawn_core.data.recorded import RecordedGames
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.positions.marginal import MarginalModel
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.uci.model_games import ModelGames
from pawn_core.weights.subject import Subject


class _Read(NamedTuple):
    """The last game that was read."""

    ucis: tuple[str, ...]
    outcome: str
    log_p_nv: Tensor


class MovesModel:
    """Its predictions at all plies of a game, read at once and kept for the next question."""

    def __init__(self, subject: Subject) -> None:
        self._subject, self._pretrained = subject, subject.pretrained
        self._spec, self._vocabulary = self._pretrained.spec, self._pretrained.vocabulary
        self.law = Law.of(
            subject.trained_by, prefixed=self._spec.prepend_outcome, of_positions=False
        )
        self.player = ModelGames(self._pretrained, subject.source)
        self._read: _Read | None = None

    def document(self) -> dict[str, Any]:
        """Return what it is, as JSON."""
        outcomes = list(self._vocabulary.outcomes) if self._spec.prepend_outcome else []
        return self._subject.document() | {
            "kind": "moves",
            "outcomes": outcomes,
            "max_ply": self._spec.max_ply,
        }

    def predict(self, game: Game, ply: int, outcome: str) -> Prediction:
        """Return what it expects after so many moves of a game.

        Args:
            outcome: the token in front; empty for none, of a model that reads one by Bayes' rule.

        Raises:
            NotPredicted: the model says nothing there.
            ConfigError: it reads no such outcome.
        """
        self._check_outcome(outcome)
        if ply >= self._spec.max_ply:
            raise NotPredicted(f"the model knows games of up to {self._spec.max_ply} plies")
        if not ply and not self._spec.prepend_outcome:
            raise NotPredicted("the model does not predict the first move of a game")
        row = ply - (not self._spec.prepend_outcome)
        ids = self._vocabulary.move_ids
        legal_m = torch.tensor([ids[uci] for uci in game.legal(ply)], dtype=torch.int64)
        log_p_v = self._reading(game, outcome)[row]
        mass = float(log_p_v[legal_m].exp().sum())
        return Prediction(log_p_v, legal_m, self._vocabulary.pad, self._vocabulary.moves, mass)

    def squares(self, game: Game, ply: int, layer: int | None, outcome: str) -> dict[str, Any]:
        """Return the board as linear probes read it from a layer, beside the truth.

        Raises:
            NotPredicted: the model has not read a move there.
            ConfigError: it has no such layer or outcome.
        """
        self._check_outcome(outcome)
        if not 0 < ply <= self._spec.max_ply or game.over_at(ply):
            raise NotPredicted(
                f"probes read what a move has led to, plies 1 to {self._spec.max_ply}, while the "
                "game goes on"
            )
        return self._probes.read(game, ply, layer, outcome)

    @cached_property
    def _probes(self) -> SquareProbes:
        return SquareProbes(self._pretrained, self._subject.trained_by)

    def _check_outcome(self, outcome: str) -> None:
        allowed = list(self._vocabulary.outcomes) if self._spec.prepend_outcome else []
        if outcome and outcome not in allowed:
            why = ", ".join(allowed) or "none, the model reads no outcome"
            raise ConfigError(f"outcome {shown(outcome)} is unknown; one of: {why}")

    def _reading(self, game: Game, outcome: str) -> Tensor:
        """Return log-probabilities, float64 (n, v), from the first ply that is predicted on."""
        ucis, read = game.ucis[: self._spec.max_ply], self._read
        if read is None or read.outcome != outcome or read.ucis[: len(ucis)] != ucis:
            read = self._read = _Read(ucis, outcome, self._computed(ucis, outcome))
        return read.log_p_nv

    @torch.inference_mode()
    def _computed(self, ucis: tuple[str, ...], outcome: str) -> Tensor:
        tokens_p = self._with_one_to_come(ucis)
        if self._spec.prepend_outcome and not outcome:
            return self._marginal.log_probabilities(tokens_p)
        front = [self._vocabulary.outcomes[outcome]] if outcome else None
        games = RecordedGames(
            tokens_p[None],
            np.array([len(tokens_p)]),
            None if front is None else np.array(front),
            first_ply=int(front is None),
        )
        logits_nv = self._pretrained.model.forward_at(*games.sequences())
        return logits_nv.double().log_softmax(dim=1)

    def _with_one_to_come(self, ucis: tuple[str, ...]) -> NDArray[np.int16]:
        """Return the tokens and one more, which is predicted and never read."""
        ids = [self._vocabulary.move_ids[uci] for uci in ucis]
        return np.array([*ids, self._vocabulary.pad], dtype=np.int16)

    @cached_property
    def _marginal(self) -> MarginalModel:
        config = EvalConfig.model_validate({"weights": self._subject.source, "device": "cpu"})
        runtime = Runtime(torch.device("cpu"), None, compiled=False)
        trained_by = self._subject.trained_by
        return MarginalModel(
            Context(self._pretrained, config, runtime, StopFlag(), trained_by, Path())
        )
