"""The board as linear probes read it off a layer, square by square: fitted here, in closed form.

Least squares on the classes as zeros and ones, of all layers at once; the likeliest class is what
is read. An evaluation fits them better (by AdamW on cross-entropy) and takes minutes; here a few
games do, and their accuracy on other games is said.

Shapes: s states (the embedding and every layer), n positions, d width, o outputs of a probe, c
classes, k outputs times classes of all classifications.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.board.games import MEN, Game
from pawn_core.config import ConfigError
from pawn_core.config.eval_probes import DEFAULT_PROBE_SEED
from pawn_core.evaluation.probes.examples import Examples, ProbedGames
from pawn_core.evaluation.probes.moments import CLASSIFICATIONS, REGRESSIONS, Moments, by_regression
from pawn_core.evaluation.probes.probed_positions import positions_after
from pawn_core.evaluation.probes.registry import PROBES, Probe
from pawn_core.evaluation.probes.tables import depth_name
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.weights import Pretrained

_TRAIN_GAMES, _HELD_OUT_GAMES, _SHARE = 48, 16, 0.5
_BLOCK_GAMES = 16
_RUNTIME = Runtime(torch.device("cpu"), None, compiled=False)
_OUTCOME = "ply_limit"
"""In front of a game whose outcome is not given: how most long random games end."""
_PIECES = CLASSIFICATIONS[0]
_OCCUPIED = 12  # the classes of a square that come before "empty"


class SquareProbes:
    """Probes of every state of a model, and how often they are right on other games."""

    def __init__(self, pretrained: Pretrained, trained_by: Mapping[str, Any]) -> None:
        self._pretrained, spec = pretrained, pretrained.spec
        self._games = ProbedGames(
            seed=DEFAULT_PROBE_SEED,
            max_ply=spec.max_ply,
            vocabulary=spec.vocabulary,
            prefixed=spec.prepend_outcome,
            share=_SHARE,
            mate_boost=float(trained_by.get("mate_boost") or 0.0),
            discard_ply_limit=bool(trained_by.get("discard_ply_limit")),
        )
        states, width = spec.architecture.n_layers + 1, spec.architecture.d_model
        self._moments = Moments(states, width, _RUNTIME.device)
        self._fit(states, width)
        self._right_s, self._occupied_s = self._held_out(states)

    def read(self, game: Game, ply: int, layer: int | None, outcome: str) -> dict[str, Any]:
        """Return what a layer's probes say after so many moves of a game, beside the truth.

        Raises:
            ConfigError: there is no such layer.
        """
        states = len(self._right_s)
        if layer is not None and layer >= states:
            raise ConfigError(f"layer {layer} is not there; allowed: 0 to {states - 1}")
        chosen = int(self._occupied_s.argmax()) if layer is None else layer
        x_snd, truths = self._at(game, ply, outcome or _OUTCOME)
        read = {probe.name: classes_sno[chosen, 0] for probe, classes_sno in self._classes(x_snd)}
        y_snm = x_snd @ self._ridge.weight_sdm + self._ridge.bias_m
        numbers = {name: y_sno[chosen, 0] for name, y_sno in by_regression(y_snm).items()}
        return {
            "layer": chosen,
            "layers": list(map(self._layer_document, range(states))),
            "readings": [_squares(read.pop(_PIECES.name), truths[_PIECES.name])],
            "facts": [*_facts(read, truths), *_numbers(numbers, truths)],
            "fitted": {
                "games": _TRAIN_GAMES,
                "positions": int(self._moments.sums["positions"]),
                "held_out_games": _HELD_OUT_GAMES,
                "outcome": (outcome or _OUTCOME) if self._games.prefixed else None,
            },
        }

    def _layer_document(self, state: int) -> dict[str, Any]:
        return {
            "name": depth_name(state),
            "accuracy": float(self._right_s[state]),
            "occupied": float(self._occupied_s[state]),
        }

    def _fit(self, states: int, width: int) -> None:
        k = sum(len(probe.outputs) * len(probe.classes) for probe in CLASSIFICATIONS)
        xy_sdk = torch.zeros(states, width, k, dtype=torch.float64)
        for examples in self._examples(0, _TRAIN_GAMES):
            self._moments.add(examples)
            xy_sdk += examples.states_snd.mT @ _one_hot(examples)
        counts = [self._moments.counts_oc[probe.name].flatten() for probe in CLASSIFICATIONS]
        mean_k = torch.cat(counts) / self._moments.sums["positions"]
        weight_sdk, _ = self._moments.solve(xy_sdk, mean_k)
        self._weight_sdk, self._mean_k = weight_sdk.float(), mean_k.float()
        self._ridge = self._moments.ridge()

    def _held_out(self, states: int) -> tuple[Tensor, Tensor]:
        """Return the share (s,) of squares that are right, of all and of occupied ones."""
        right_s, occupied_s = torch.zeros(2, states, dtype=torch.float64)
        squares = men = 0
        for examples in self._examples(_TRAIN_GAMES, _HELD_OUT_GAMES):
            truth_no = examples.targets[_PIECES.name]
            x_snd = self._moments.normalized(examples.states_snd)
            (_, read_sno), *_ = self._classes(x_snd, (_PIECES,))
            right_sno, man_no = read_sno == truth_no, truth_no < _OCCUPIED
            right_s += right_sno.sum(dim=(1, 2))
            occupied_s += (right_sno & man_no).sum(dim=(1, 2))
            squares, men = squares + truth_no.numel(), men + int(man_no.sum())
        return right_s / squares, occupied_s / men

    def _examples(self, first: int, count: int) -> Iterator[Examples]:
        for begin in range(first, first + count, _BLOCK_GAMES):
            networks = [self._pretrained.model]
            yield from self._games.examples(networks, begin, _BLOCK_GAMES, _RUNTIME, StopFlag())

    def _classes(
        self, x_snd: Tensor, probes: tuple[Probe, ...] = CLASSIFICATIONS
    ) -> Iterator[tuple[Probe, Tensor]]:
        """Yield each probe with the classes (s, n, o) that it reads off normalized states."""
        begin = 0
        for probe in probes:
            end = begin + len(probe.outputs) * len(probe.classes)
            score = x_snd @ self._weight_sdk[..., begin:end] + self._mean_k[begin:end]
            yield probe, score.unflatten(2, (len(probe.outputs), -1)).argmax(dim=3)
            begin = end

    @torch.inference_mode()
    def _at(self, game: Game, ply: int, outcome: str) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the normalized states (s, 1, d) after a move, and what is true there by probe."""
        vocabulary = self._pretrained.vocabulary
        next_move = game.legal(ply)[0]  # counted as if played; the model does not read it
        ids = [vocabulary.move_ids[uci] for uci in (*game.ucis[:ply], next_move)]
        tokens_1p, lengths = np.array([ids], dtype=np.int16), np.array([ply + 1], dtype=np.int32)
        chosen_1p = np.arange(ply + 1)[None] == ply - 1
        positions = positions_after(tokens_1p, lengths, chosen_1p, vocabulary.name)
        front = [vocabulary.outcomes[outcome]] if self._games.prefixed else []
        tokens_1t = torch.tensor([[*front, *ids[:ply]]])
        last = torch.tensor([tokens_1t.shape[1] - 1])
        states_snd = self._pretrained.model.residuals_at(tokens_1t, last)
        targets = {p.name: torch.from_numpy(p.target(positions))[0] for p in PROBES}
        return self._moments.normalized(states_snd), targets


def _one_hot(examples: Examples) -> Tensor:
    """Return the classes of all classifications as zeros and ones, float32 (n, k)."""
    columns = [
        F.one_hot(examples.targets[probe.name], len(probe.classes)).flatten(1)
        for probe in CLASSIFICATIONS
    ]
    return torch.cat(columns, dim=1).float()


def _squares(read_o: Tensor, truth_o: Tensor) -> dict[str, Any]:
    return {
        "name": _PIECES.name,
        "classes": list(MEN),
        "read": read_o.tolist(),
        "truth": truth_o.tolist(),
    }


def _facts(read: Mapping[str, Tensor], truths: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """Yield what the other classifications say of the position, by output."""
    for probe in CLASSIFICATIONS:
        if probe.name in read:
            pairs = zip(read[probe.name].tolist(), truths[probe.name].tolist(), strict=True)
            for output, (said, true) in zip(probe.outputs, pairs, strict=True):
                words = {"read": probe.classes[said], "truth": probe.classes[true]}
                yield {"probe": probe.name, "output": output, "right": said == true} | words


def _numbers(read: Mapping[str, Tensor], truths: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """Yield the numbers that are read; one is right where it rounds to the true one."""
    for probe in REGRESSIONS:
        pairs = zip(read[probe.name].tolist(), truths[probe.name].tolist(), strict=True)
        for output, (said, true) in zip(probe.outputs, pairs, strict=True):
            values = {"read": f"{said:.1f}", "truth": str(true), "right": round(said) == true}
            yield {"probe": probe.name, "output": output} | values
