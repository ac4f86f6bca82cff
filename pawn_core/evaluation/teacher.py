"""Positions in which a model goes wrong: it plays both sides, and a chess program tells it better.

A position is kept where the model's move is none of the program's first three, where it loses at
least 120 centipawns (80 from ply 60), or where the position is not even and the model undecided: at
least 120 centipawns and an entropy of 1.25 nats (Matrix0's rules). Labels are those of any analysed
position. Shapes: n positions, p indices of moves.
"""

import math
from collections import Counter
from pathlib import Path
from random import Random
from typing import Annotated, Any, ClassVar, NamedTuple

import chess_engine
import torch
from pydantic import Field

from pawn_core.config.types import Device
from pawn_core.evaluation.play.position_player import legal_indices
from pawn_core.position_model import load_position_model
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.source import SourceConfig
from pawn_core.positions.sources.stockfish import Analysed, AnalysisConfig, labelled, require_some
from pawn_core.positions.sources.walks import START, Walk, WalkedPosition, walked
from pawn_core.tasks.analysis import Analysis

_OPENING_PLIES = 8
"""Random plies of a game at most: a model that plays its best moves always plays the same game."""
_ACCEPTED_MOVES = 3
_LOSS_CP, _LATE_LOSS_CP, _LATE_PLY = 120, 80, 60
_UNEVEN_CP, _UNDECIDED_NATS = 120, 1.25


class TeacherConfig(AnalysisConfig):
    """Whose mistakes are looked for, and how a chess program is asked."""

    INCIDENTAL: ClassVar[frozenset[str]] = AnalysisConfig.INCIDENTAL | {"weights", "device"}

    weights: Annotated[
        str,
        Field(description="a model of positions: a checkpoint's or run's folder, or owner/name"),
    ]
    device: Annotated[Device, Field(description="where the model plays")] = "cpu"


class Thought(NamedTuple):
    """What a model makes of a position."""

    uci: str
    """Its likeliest legal move."""
    entropy: float
    """Of its policy among legal moves, in nats."""


class Turn(NamedTuple):
    """A position of a game that the model played."""

    position: WalkedPosition
    thought: Thought
    following_cp: float
    """What the position after its move is worth to the opponent; NaN: not known."""

    @property
    def is_wrong(self) -> bool:
        """Whether the model has something to learn here."""
        lines = self.position.analysis.lines
        best_cp = lines[0].centipawns
        most_cp = _LATE_LOSS_CP if self.position.ply >= _LATE_PLY else _LOSS_CP
        undecided = abs(best_cp) >= _UNEVEN_CP and self.thought.entropy >= _UNDECIDED_NATS
        others = self.thought.uci not in [line.uci for line in lines[:_ACCEPTED_MOVES]]
        return others or best_cp + self.following_cp >= most_cp or undecided


class Teacher(Analysed):
    """The mistakes of a model."""

    Config: ClassVar[type[SourceConfig]] = TeacherConfig
    AT_ONCE: ClassVar[int] = 16

    def __init__(self, name: str, config: TeacherConfig) -> None:
        """Load the model and start the program.

        Raises:
            ConfigError: one of them is not there.
        """
        loaded = load_position_model(config.weights, Path(), config.device)
        self._model, self._origin = loaded.model, loaded.origin
        self._device, self._seed = config.device, config.seed
        super().__init__(config)

    @property
    def versions(self) -> dict[str, Any]:
        """The program's and the model's."""
        return super().versions | {"weights": self._origin.sha256}

    def _labelled(self, numbers: range) -> tuple[list[LabelledPosition], Counter[str]]:
        turns, failed = self._games(numbers)
        wrong = [labelled(turn.position) for turn in turns if turn.is_wrong]
        return wrong, Counter({"right": len(turns) - len(wrong), "analysis failed": failed})

    def _games(self, numbers: range) -> tuple[list[Turn], int]:
        """Return the turns of some games, and over how many positions the program failed."""
        thoughts: dict[tuple[str, int], Thought] = {}

        def choose(walks: list[Walk], _: list[Analysis]) -> list[str]:
            own = self._thoughts([walk.fen for walk in walks])
            thoughts.update({(w.game, w.ply): t for w, t in zip(walks, own, strict=True)})
            return [thought.uci for thought in own]

        begun = [self._begun(number) for number in numbers]
        positions, failed = walked(self._analyst, begun, choose)
        require_some(positions, self._analyst)
        worth = {(p.game, p.ply): p.analysis.lines[0].centipawns for p in positions}
        turns = [
            Turn(p, thoughts[p.game, p.ply], worth.get((p.game, p.ply + 1), math.nan))
            for p in positions
            if (p.game, p.ply) in thoughts  # the model has no turn where a game is broken off
        ]
        return turns, failed

    def _begun(self, number: int) -> Walk:
        """Return a game after its random opening."""
        game = f"teacher {self._seed} {number} {self._origin.sha256}"
        walk = Walk(game, Random(f"{self._seed} {number}"), START)
        for _ in range(walk.rng.randint(0, _OPENING_PLIES)):
            moves = [m for m in chess_engine.legal_moves(walk.fen) if not _ends(walk.fen, m)]
            walk.fen = chess_engine.apply(walk.fen, walk.rng.choice(moves))
            walk.ply += 1
        return walk

    @torch.inference_mode()
    def _thoughts(self, fens: list[str]) -> list[Thought]:
        if not fens:
            return []
        encoded = chess_engine.encode_positions(fens, targets=False)
        legal_np = torch.from_numpy(legal_indices(encoded)).to(self._device)
        planes = torch.from_numpy(encoded.planes).to(self._device)
        logits_np = self._model(planes, tasks=()).policy.float()
        probs_np = logits_np.masked_fill(~legal_np, -torch.inf).softmax(dim=1)
        indices = probs_np.argmax(dim=1).cpu().numpy().astype("int16")
        entropies = torch.special.entr(probs_np).sum(dim=1).tolist()
        ucis = chess_engine.policy_moves(fens, indices)
        return [Thought(uci, nats) for uci, nats in zip(ucis, entropies, strict=True)]


def _ends(fen: str, uci: str) -> bool:
    return bool(chess_engine.step_environment([fen], [uci]).terminated[0])
