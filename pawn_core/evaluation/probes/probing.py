"""Linear probes at every layer: what of the board can be read off the hidden states.

(Alain & Bengio, 2016, arXiv 1610.01644.)

Shapes: s states, n positions, d width.
"""

from typing import Any

import torch
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.config.eval_probes import ProbePlan
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.probes.examples import Examples, ProbedGames, joined
from pawn_core.evaluation.probes.fit import falling_rate
from pawn_core.evaluation.probes.moments import Moments
from pawn_core.evaluation.probes.readers import HiddenReader, LinearReader, Reader
from pawn_core.evaluation.probes.registry import PROBES
from pawn_core.evaluation.probes.scoring import Scorer, Totals
from pawn_core.evaluation.probes.tables import Findings
from pawn_core.evaluation.probes.tallies import ReadingTally, TargetTally
from pawn_core.evaluation.report import Report
from pawn_core.model import Transformer
from pawn_core.weights.load import untrained

_KEPT_BYTES = 3 << 30  # of training examples; what does not fit is computed anew in each epoch

_DEFINITION = (
    "What probes read off the residual stream after each token of held-out random games, of the "
    "board after that token's move, which is not the game's last. Classes: a linear map, by AdamW "
    "at a rate that falls to 0 along a cosine; numbers: least squares, exact. States are "
    "normalized by the training games. Each probe is quoted at the layer with the least loss on "
    "the training games; neither layer nor epoch is chosen on the held-out ones. untrained: the "
    "same on a network of the same shape before its first step; baseline: the most frequent class, "
    "or the mean, of the training games, of each output. Intervals are over held-out games."
)


class Probes(Evaluation):
    """Probes on every state of a model and of an untrained one of the same shape."""

    @classmethod
    def check(cls, context: Context) -> None:
        """Refuse probes that would be trained on games that the model was trained on."""
        seed = context.config.probe_seed
        if seed == context.trained_by.get("data_seed", context.trained_by.get("seed")):
            raise ConfigError(
                f"probe_seed {seed} is the seed of the games that {context.config.weights} was "
                "trained on, whose states may differ from those of held-out games; choose another"
            )

    def __init__(self, context: Context) -> None:
        self._context, config, spec = context, context.config, context.spec
        self._plan = ProbePlan.of(config)
        device, depths = context.runtime.device, spec.architecture.n_layers + 1
        self._networks = (context.model, _untrained(context))
        states, width = 2 * depths, spec.architecture.d_model
        self._moments = Moments(states, width, device)
        self._readers: dict[str, Reader] = {
            "linear": LinearReader(states, width, self._moments, device)
        }
        if units := config.probe_hidden:
            self._readers["hidden"] = HiddenReader(
                states, width, units, config.seed, self._moments, device
            )
        self._targets = TargetTally(config.games, device)
        self._tallies = {kind: ReadingTally(config.games, states, device) for kind in self._readers}
        self._train_games = _games(context, config.probe_seed, config.probe_share)
        self._test_games = _games(context, config.games_seed, share=1.0)
        self._kept: dict[int, Examples] = {}

    def run(self, shard: int) -> None:
        """Add the moments of a block, train on one, or read a held-out one."""
        plan = self._plan
        if shard < plan.fitting.start:
            for part in self._training_examples(shard).in_parts():
                self._moments.add(part)
        elif shard in plan.fitting:
            self._train(shard)
        else:
            self._kept.clear()
            self._read(shard)

    def state(self) -> dict[str, Tensor]:
        """Return the sums and all that training has made."""
        parts = self._parts()
        return {
            f"{part}.{name}": tensor.detach().cpu().clone()
            for part, tensors in parts.items()
            for name, tensor in tensors.items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a state."""
        for part, kept in self._parts().items():
            for name, tensor in kept.items():
                tensor.copy_(tensors[f"{part}.{name}"])

    def report(self) -> Report:
        """Return what the probes read off the held-out games."""
        findings = [self._findings(kind) for kind in self._readers]
        return Report(
            "probes",
            _DEFINITION,
            tuple(findings[0].figures()),
            tuple(table for finding in findings for table in finding.tables()),
            self._facts(),
        )

    def _findings(self, kind: str) -> Findings:
        seed, reader = self._context.config.seed, self._readers[kind]
        targets, readings = (
            Totals(tally.sums, seed) for tally in (self._targets, self._tallies[kind])
        )
        games = int((self._targets.sums["n_g1"] > 0).sum())
        scorer = Scorer(targets, readings, self._moments, games)
        losses = {probe.name: reader.training_loss_s(probe) for probe in PROBES}
        return Findings(kind, tuple(scorer.scores()), losses, len(losses["material"]) // 2)

    def _facts(self) -> dict[str, Any]:
        config = self._context.config
        return {
            "games": config.games,
            "games_seed": config.games_seed,
            "positions": int(self._targets.sums["n_g1"].sum()),
            "max_ply": self._context.max_ply,
            "mate_boost": config.mate_boost,
            "discard_ply_limit": config.discard_ply_limit,
            "train_games": config.probe_train_games,
            "train_seed": config.probe_seed,
            "train_share": config.probe_share,
            "train_positions": int(self._moments.sums["positions"]),
            "epochs": config.probe_epochs,
            "lr": config.probe_lr,
            "seed": config.seed,
        }

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        parts = {"moments": self._moments.sums, "targets": self._targets.sums}
        for kind, reader in self._readers.items():
            parts[kind] = reader.fit.state()
            parts[f"{kind}.tally"] = self._tallies[kind].sums
        return parts

    def _train(self, shard: int) -> None:
        plan, fitting = self._plan, self._plan.fitting
        if self._moments.sums["positions"] == 0:
            raise ValueError(
                f"probe_share {self._context.config.probe_share} of the positions of "
                f"{plan.train_games} games leaves none to train on; raise either"
            )
        examples = self._moments.to_fit(self._training_examples(shard))
        share = falling_rate(shard - fitting.start, len(fitting))
        lr = share * self._context.config.probe_lr
        for reader in self._readers.values():
            if shard == fitting.start:
                reader.fit.begin(self._moments.counts_oc)
            reader.fit.learn(
                examples,
                key=(self._context.config.seed, shard),
                lr=lr,
                last=shard >= fitting.stop - plan.train_blocks,
            )

    def _training_examples(self, shard: int) -> Examples:
        """Return a block of training examples, the same at every pass."""
        first, count = self._plan.train_span(shard)
        if first not in self._kept:
            examples = joined(self._examples(self._train_games, first, count))
            if sum(kept.bytes for kept in self._kept.values()) + examples.bytes > _KEPT_BYTES:
                return examples
            self._kept[first] = examples
        return self._kept[first]

    @torch.no_grad()
    def _read(self, shard: int) -> None:
        first, count = self._plan.test_span(shard)
        mean_m, _ = self._moments.target_scale()
        for examples in self._examples(self._test_games, first, count):
            for part in examples.in_parts():
                self._targets.add(part, mean_m)
                x_snd = self._moments.normalized(part.states_snd)
                for kind, reader in self._readers.items():
                    self._tallies[kind].add(part, reader.read(x_snd))

    def _examples(self, games: ProbedGames, first: int, count: int) -> list[Examples]:
        context = self._context
        return games.examples(self._networks, first, count, context.runtime, context.stop)


def _games(context: Context, seed: int, share: float) -> ProbedGames:
    config, spec = context.config, context.spec
    return ProbedGames(
        seed=seed,
        max_ply=context.max_ply,
        vocabulary=spec.vocabulary,
        prefixed=spec.prepend_outcome,
        share=share,
        mate_boost=config.mate_boost,
        discard_ply_limit=config.discard_ply_limit,
    )


def _untrained(context: Context) -> Transformer:
    """Return a network of the model's shape, as it is before the first step."""
    model = untrained(context.spec)
    model.initialize(torch.Generator().manual_seed(context.config.seed))
    return model.eval().requires_grad_(False).to(context.runtime.device)
