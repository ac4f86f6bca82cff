"""Hidden states with what is on the board: of a block of games at a time, never of all at once.

Shapes: b games, t time, n positions, s states (of each network the embedding and every layer),
d width, o outputs of a probe.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.evaluation.probes.probed_positions import positions_after
from pawn_core.evaluation.probes.registry import PROBES
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag

_FORWARD_GAMES = 16  # at 512 plies a layer's widest tensor (d 512) is then 64 MB
_PART_POSITIONS = 2048  # the logits of all states take 245 MB for a base model


class Network(Protocol):
    """A model whose states are probed."""

    def residuals_at(self, tokens_bt: Tensor, positions_n: Tensor) -> Tensor:
        """Return (s, n, d) at flat positions `b * T + t`."""
        ...


class Examples(NamedTuple):
    """Positions with their states and their targets."""

    games_n: Tensor
    """int64 (n,), which game of the seed."""
    states_snd: Tensor
    """float32."""
    targets: dict[str, Tensor]
    """int64 (n, o) by probe; of regressions that are trained, normalized ones."""

    @property
    def bytes(self) -> int:
        """Memory that they take."""
        return sum(t.nbytes for t in (self.games_n, self.states_snd, *self.targets.values()))

    def at(self, places: Tensor | slice) -> "Examples":
        """Return those at some places."""
        targets = {name: target_no[places] for name, target_no in self.targets.items()}
        return Examples(self.games_n[places], self.states_snd[:, places], targets)

    def in_parts(self) -> Iterator["Examples"]:
        """Yield all in parts of bounded size."""
        for begin in range(0, len(self.games_n), _PART_POSITIONS):
            yield self.at(slice(begin, begin + _PART_POSITIONS))


@dataclass(frozen=True)
class ProbedGames:
    """The random games of a seed and the positions of theirs that are probed.

    A position is chosen by a random number of its own, so any block of games has the same ones.
    """

    seed: int
    max_ply: int
    vocabulary: str
    prefixed: bool
    """Whether the model's sequences begin with the outcome."""
    share: float = 1.0
    """Of the positions, chosen at random."""
    mate_boost: float = 0.0
    discard_ply_limit: bool = False

    def examples(
        self,
        networks: Sequence[Network],
        first: int,
        count: int,
        runtime: Runtime,
        stop: StopFlag,
    ) -> list[Examples]:
        """Return the examples of games `first .. first + count - 1`, a few games in each.

        Raises:
            Interrupted: the run was asked to stop.
        """
        games = chess_engine.generate_random_games(
            count,
            seed=self.seed,
            first_game=first,
            max_ply=self.max_ply,
            mate_boost=self.mate_boost,
            discard_ply_limit=self.discard_ply_limit,
            vocabulary=self.vocabulary,
        )
        order = np.argsort(games.lengths, kind="stable")  # games of like length share a batch
        parts = []
        for begin in range(0, count, _FORWARD_GAMES):
            stop.check()
            rows = order[begin : begin + _FORWARD_GAMES]
            parts.append(self._read(networks, games, rows, first, runtime))
        return parts

    def _read(
        self,
        networks: Sequence[Network],
        games: chess_engine.Games,
        rows: NDArray[np.int64],
        first: int,
        runtime: Runtime,
    ) -> Examples:
        lengths = games.lengths[rows]
        moves_bt = np.ascontiguousarray(games.tokens[rows, : lengths.max()])
        chosen_bt = self._chosen(first + rows, lengths)
        positions = positions_after(moves_bt, lengths, chosen_bt, self.vocabulary)
        targets = {probe.name: torch.from_numpy(probe.target(positions)) for probe in PROBES}
        tokens_bt = self._sequences(moves_bt, games.outcomes[rows])
        games_n, moves_n = np.nonzero(chosen_bt)
        places_n = games_n * tokens_bt.shape[1] + moves_n + self.prefixed
        device = runtime.device
        return Examples(
            torch.from_numpy(first + rows[games_n]).to(device),
            _states(networks, tokens_bt, places_n, runtime),
            {name: target_no.to(device) for name, target_no in targets.items()},
        )

    def _chosen(self, numbers: NDArray[np.int64], lengths: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which moves (b, t) are read, none of them the last of its game."""
        width = int(lengths.max())
        draws = [
            np.random.Generator(np.random.Philox(key=(self.seed, number))).random(width)
            for number in numbers.tolist()
        ]
        return (np.stack(draws) < self.share) & (np.arange(width) < lengths[:, None] - 1)

    def _sequences(
        self, moves_bt: NDArray[np.int16], outcomes_b: NDArray[np.int16]
    ) -> NDArray[np.int64]:
        parts = (outcomes_b[:, None], moves_bt) if self.prefixed else (moves_bt,)
        return np.concatenate(parts, axis=1).astype(np.int64)


@torch.no_grad()
def _states(
    networks: Sequence[Network],
    tokens_bt: NDArray[np.int64],
    places_n: NDArray[np.int64],
    runtime: Runtime,
) -> Tensor:
    """Return the states of all networks, each from one forward pass."""
    tokens = torch.from_numpy(tokens_bt).to(runtime.device)
    places = torch.from_numpy(places_n).to(runtime.device)
    with runtime.autocast():
        states = [network.residuals_at(tokens, places) for network in networks]
    return torch.cat(states).float()


def joined(parts: Sequence[Examples]) -> Examples:
    """Return the examples of several parts as one."""
    names = parts[0].targets
    return Examples(
        torch.cat([part.games_n for part in parts]),
        torch.cat([part.states_snd for part in parts], dim=1),
        {name: torch.cat([part.targets[name] for part in parts]) for name in names},
    )
