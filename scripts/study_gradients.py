"""Measure bias and noise of policy-gradient estimates against exact gradients over chess moves.

The engine scores every legal answer to some positions, so the gradient of the expected reward is a
sum. Each estimate is the gradient of the loss that trainers use, of groups that are sampled again
and again: how far its mean is from the exact gradient, and how much it varies. Prints Markdown.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from gradient_oracle import Policy, decisions
from torch import Tensor
from torch.nn import functional as F

from pawn_core.config.policy_loss import ALGORITHMS as USUAL
from pawn_core.reinforcement import (
    ADVANTAGES,
    ALGORITHMS,
    Chunk,
    Clip,
    Objective,
    completion_weights,
    group_advantages,
)

GROUP_SIZES = (2, 4, 8, 16)
TEMPERATURES = (0.5, 0.7, 1.0, 1.4)
BATCHES = 20  # of the jackknife
_QUANTILE = 2.093  # of Student's t with 19 degrees of freedom, 97.5 %
_SKILL = 0.3  # of what there is to gain over uniform play, when it samples
_MOVED = 0.04  # gained since, where completions are old


class Estimator(NamedTuple):
    """How groups become a gradient."""

    algorithm: str
    advantage: str
    group_size: int
    dead_count: bool = False
    """Whether groups with equal rewards stay in the denominator."""
    temperature: float = 1.0
    """At which completions are sampled; their ratios are without it."""


class Measured(NamedTuple):
    """A number with half its 95 % interval, a jackknife over batches of repeats."""

    value: float
    margin: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.margin:.3f}"


class Quality(NamedTuple):
    """How good an estimate of the exact gradient is."""

    cosine: Measured
    """Of its mean with the exact one: 1 where it points the same way."""
    norm: Measured
    """Of its mean, in norms of the exact one."""
    noise: Measured
    """Root of its total variance, in norms of its mean: of one update."""
    tokens: Measured
    """By how many tokens answers grow for 1 of reward, along its mean."""

    def __str__(self) -> str:
        return f"{self.cosine}, {self.norm.value:.2f}, {self.noise.value:.1f}"


class Study:
    """A policy that samples answers and the one that learns from them; the same if on policy."""

    def __init__(
        self, reward: str, options: argparse.Namespace, *, written: bool = False, moved: float = 0
    ) -> None:
        found = decisions(reward, options.positions, options.seed, written=written)
        self.policy, self._repeats, self._seed = Policy.of(found), options.repeats, options.seed
        self._answer_gradients = cache(self._answer_gradients_of)
        self.policy.climb(_SKILL)
        self.sampling_d = self.policy.theta_d
        if moved:
            self.policy.climb(moved)
        self.exact_d = self.policy.exact_gradient(self.policy.rewards_a)
        self.longer_d = self.policy.exact_gradient(self.policy.lengths_a.double())

    @property
    def ratios_n(self) -> Tensor:
        """Ratio of new to old probability of each token of each answer."""
        new_n, old_n = map(self.policy.token_log_probs, (self.policy.theta_d, self.sampling_d))
        return (new_n - old_n).exp()

    def quality(self, estimator: Estimator) -> Quality:
        """Measure an estimator."""
        return quality(self.estimates(estimator), self.exact_d, self.longer_d)

    def estimates(self, estimator: Estimator) -> Tensor:
        """Return the gradient (r, d) by which each repeat would raise the reward."""
        drawn_rpg = self._drawn(estimator.group_size, estimator.temperature)
        rewards_rpg = self.policy.rewards_a[drawn_rpg]
        advantages = group_advantages(rewards_rpg.flatten(0, 1), estimator.advantage)
        values_rc, used_rc = (x.reshape(len(drawn_rpg), -1) for x in advantages)
        used_rc = torch.ones_like(used_rc) if estimator.dead_count else used_rc
        answers_rc = drawn_rpg.flatten(1)
        weights_rc = torch.stack(
            [
                completion_weights(ALGORITHMS[estimator.algorithm], lengths_c, used_c)
                for lengths_c, used_c in zip(
                    self.policy.lengths_a[answers_rc], used_rc, strict=True
                )
            ]
        )
        worse_rc = (values_rc < 0).long()
        rows_rc = answers_rc + worse_rc * len(self.policy.rewards_a)
        return F.embedding_bag(
            rows_rc,
            self._answer_gradients(estimator.algorithm),
            mode="sum",
            per_sample_weights=weights_rc * values_rc.abs(),
        )

    def _drawn(self, group_size: int, temperature: float) -> Tensor:
        """Return answers (r, p, g) of the sampling policy, the same for every estimator.

        Its logits are linear in theta, which a temperature divides as well.
        """
        generator = torch.Generator().manual_seed(self._seed * 1_000 + group_size)
        p_a = self.policy.probabilities(self.sampling_d / temperature)
        owner_a = self.policy.decisions_a
        groups = []
        for p in range(int(owner_a[-1]) + 1):
            answers = (owner_a == p).nonzero()[:, 0]
            count = self._repeats * group_size
            drawn = torch.multinomial(p_a[answers], count, replacement=True, generator=generator)
            groups.append(answers[drawn].view(self._repeats, group_size))
        return torch.stack(groups, dim=1)

    def _answer_gradients_of(self, algorithm: str) -> Tensor:
        """Return what each answer adds with advantage 1, then with -1, (2a, d).

        Losses are proportional to the advantage on either side of 0, so these are all there is.
        """
        usual = USUAL[algorithm]
        objective = Objective(ALGORITHMS[algorithm], Clip(usual.clip_eps, usual.clip_eps_high))
        ones_a = torch.ones_like(self.policy.rewards_a)
        both = []
        for sign in (1.0, -1.0):
            logits_nk = self.policy.logits(self.policy.theta_d).requires_grad_()
            chunk = Chunk(
                tokens_n=self.policy.tokens_n,
                completions_n=self.policy.answers_n,
                old_n=self.policy.token_log_probs(self.sampling_d),
                advantages_c=sign * ones_a,
                weights_c=ones_a,
            )
            loss, _ = objective.loss(logits_nk, chunk)
            both.append(self.policy.by_parameters(-torch.autograd.grad(loss, logits_nk)[0]))
        return torch.cat(both)


def quality(estimates_rd: Tensor, exact_d: Tensor, longer_d: Tensor) -> Quality:
    """Compare estimates with the exact gradient.

    The squared norm of their mean is that of products of different batches: noise adds nothing.
    """
    batches_bd = estimates_rd.view(BATCHES, -1, len(exact_d)).mean(dim=1)
    squares_b = estimates_rd.square().sum(dim=1).view(BATCHES, -1).mean(dim=1)
    left_out = [torch.arange(BATCHES) != b for b in range(BATCHES)]
    everything = _numbers(batches_bd, squares_b, exact_d, longer_d)
    parts = torch.stack(
        [_numbers(batches_bd[kept], squares_b[kept], exact_d, longer_d) for kept in left_out]
    )
    spread = parts.var(dim=0, correction=0) * (BATCHES - 1)
    margins = _QUANTILE * spread.sqrt()
    return Quality(*map(Measured, everything.tolist(), margins.tolist()))


def _numbers(batches_bd: Tensor, squares_b: Tensor, exact_d: Tensor, longer_d: Tensor) -> Tensor:
    count, mean_d = len(batches_bd), batches_bd.mean(dim=0)
    of_sum, own = batches_bd.sum(dim=0).square().sum(), batches_bd.square().sum()
    norm = ((of_sum - own) / (count * (count - 1))).sqrt()
    along, exact = mean_d @ exact_d, exact_d.norm()
    noise = (squares_b.mean() - norm.square()).sqrt() / norm
    return torch.stack((along / (norm * exact), norm / exact, noise, mean_d @ longer_d / along))


def one_move(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of one-token answers on policy, where all algorithms are the same."""
    yield "### One move, on policy"
    yield ""
    yield _header("reward", "groups with equal rewards", "advantage")
    for reward in ("mate", "capture"):
        study = Study(reward, options)
        for dead_count in (True, False):
            where = "in the denominator" if dead_count else "left out"
            for advantage in ADVANTAGES:
                estimators = (Estimator("grpo", advantage, g, dead_count) for g in GROUP_SIZES)
                yield _row(reward, where, advantage, *map(study.quality, estimators))


def tempered_moves(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of one-token answers sampled at a temperature, and scored without it."""
    yield "### One move, sampled at a temperature"
    yield ""
    yield "Advantage: leave_one_out, groups with equal rewards in the denominator."
    yield ""
    yield _header("reward", "temperature")
    for reward in ("mate", "capture"):
        study = Study(reward, options)
        for temperature in TEMPERATURES:
            estimators = (
                Estimator("grpo", "leave_one_out", g, True, temperature) for g in GROUP_SIZES
            )
            yield _row(reward, temperature, *map(study.quality, estimators))


def old_moves(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of one-token answers of a policy that has learned since."""
    study = Study("environment", options, moved=_MOVED)
    probabilities_a = study.policy.probabilities(study.sampling_d)
    apart = probabilities_a @ (study.ratios_n - 1).abs() / options.positions
    yield "### One move, sampled before the policy moved"
    yield ""
    yield (
        f"Reward: environment. Ratios of new to old probability: {study.ratios_n.min():.2f} to "
        f"{study.ratios_n.max():.2f}, {apart:.2f} off 1 on average."
    )
    yield ""
    yield _header("algorithm", "advantage")
    for algorithm in ALGORITHMS:
        for advantage in ADVANTAGES:
            estimators = (Estimator(algorithm, advantage, g) for g in GROUP_SIZES)
            yield _row(algorithm, advantage, *map(study.quality, estimators))


def written_moves(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of answers of several tokens on policy: what lengths do."""
    study = Study("capture", options, written=True)
    lengths_a, growth = study.policy.lengths_a, study.longer_d @ study.exact_d
    yield "### A move in SAN by character, on policy"
    yield ""
    yield (
        f"Reward: capture. Answers have {lengths_a.min()} to {lengths_a.max()} tokens. Along the "
        f"exact gradient they grow by {growth / study.exact_d.square().sum():.2f} tokens for 1 of "
        f"reward; the last column says the same of each estimate, at G = {GROUP_SIZES[-1]}."
    )
    yield ""
    yield _header("algorithm", "advantage", last=("tokens for 1 of reward",))
    for algorithm in ("dr_grpo", "dapo", "grpo"):
        for advantage in ADVANTAGES:
            cells = [study.quality(Estimator(algorithm, advantage, g)) for g in GROUP_SIZES]
            yield _row(algorithm, advantage, *cells, cells[-1].tokens)


def _header(*first: str, last: tuple[str, ...] = ()) -> str:
    names = [*first, *(f"G = {size}" for size in GROUP_SIZES), *last]
    return f"{_row(*names)}\n|{' --- |' * len(names)}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def lines(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of every table."""
    yield (
        f"{options.positions} positions of random games, seed {options.seed}; "
        f"{options.repeats} updates sampled for each cell. A cell is the cosine of the mean "
        "estimate with the exact gradient (95 % interval), its norm in norms of the exact one, and "
        "the noise of one update in norms of the mean."
    )
    for table in (one_move, tempered_moves, old_moves, written_moves):
        yield ""
        yield from table(options)


def main() -> int:
    """Measure as the command line says, print the tables and return the exit code."""
    options = parser().parse_args()
    if options.positions < 1 or options.repeats < BATCHES or options.repeats % BATCHES:
        print(
            f"study_gradients: --positions {options.positions}, --repeats {options.repeats}; "
            f"allowed: 1 or more, a multiple of {BATCHES}",
            file=sys.stderr,
        )
        return 2
    torch.set_num_threads(1)
    text = []
    for line in lines(options):
        print(line, flush=True)
        text.append(line)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text("\n".join(text) + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--positions", type=int, default=16, help="prompts of an update")
    flags.add_argument("--repeats", type=int, default=1_000, help="updates sampled for each cell")
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--output", type=Path, help="write the tables as Markdown")
    return flags


if __name__ == "__main__":
    sys.exit(main())
