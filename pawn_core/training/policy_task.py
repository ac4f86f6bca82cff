"""A policy that learns from its own completions: what a step of reinforcement computes.

Shapes: p groups, g completions of a group, n tokens, v vocabulary.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import ConfigError, GrpoConfig
from pawn_core.config.tasks import task_kind
from pawn_core.data.sequences import Batch
from pawn_core.flops import text_flops
from pawn_core.language import token_log_probs, token_logits
from pawn_core.language.rows import Row
from pawn_core.language.scoring import text_lengths
from pawn_core.model import Transformer
from pawn_core.model.recompute import recompute_layers
from pawn_core.reinforcement import (
    BetaController,
    Clip,
    Objective,
    algorithm_named,
    group_advantages,
    kl_penalties,
)
from pawn_core.reinforcement.divergence import entropy, exact_kl
from pawn_core.run_paths import REFERENCE, TEXT_MODEL
from pawn_core.tasks import Mixture, TaskPrompt, TaskSettings
from pawn_core.training.held_out import HeldOut, answered
from pawn_core.training.policy_batches import (
    Counts,
    EchoBatch,
    Learned,
    PolicyBatch,
    arrange,
    learned_from,
    policy_batch,
    unlearned,
)
from pawn_core.training.reference import load_reference
from pawn_core.training.rollout_stats import Clock, Means
from pawn_core.training.rollouts import Group, Place, Rollouts, Sampler, rewards_of_groups
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask

_SUMS = (
    *("loss", "policy_loss", "kl_loss", "echo_loss"),
    *("ratio", "clip_ratio/low_mean", "clip_ratio/high_mean"),
)
"""Of the parts of an update."""


class PolicyTask(ModelTask[Batch]):
    """A policy, the reference that it starts from, and what it learns from its own completions."""

    def __init__(self, config: GrpoConfig, setup: Setup) -> None:
        self._config, self._runtime, self._check = config, setup.runtime, setup.stop.check
        self._reference, self._origin = load_reference(config, setup)
        self.model = copy.deepcopy(self._reference.model)
        self._reference.model.requires_grad_(False)
        self.text_model = replace(self._reference, model=self.model)
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        self._algorithm = algorithm_named(config.algorithm)
        self._objective, self.beta = _objective(config), _controller(config)
        self._beta_now = 0.0
        self.clock, self.means = Clock(), Means()
        self._measured: dict[str, Tensor] = {}
        """Sums over the tokens that the step's policy sampled, and how many `tokens` these are."""
        self._first_pass = False
        self.refused = 0
        """Updates in a row that were not finite, and not made."""
        self.kl: float | None = None
        """To the reference, of the policy that the last step began with; nats a token."""
        self.past: list[str] = []
        """The limits that the KL is past, which has been said."""
        self._mixture = Mixture(TaskSettings.of(config))
        self.sampler = Sampler(config, self.text_model, self._mixture, self.clock, self._check)
        self._held_out = HeldOut(self._mixture, self._mixture.held_out(), config.max_new_tokens)
        self._check_room()

    def make_batch(self, index: int) -> list[Batch]:
        """Return the micro-batches of a step's first update, of completions sampled for it."""
        rollouts = self.sampler.collect(self.sampler.prompts(Place(index)), index)
        return next(iter(self.arrange(rollouts, index + 1)), [])

    def arrange(self, rollouts: Rollouts, step: int) -> list[list[Batch]]:
        """Return the micro-batches of each update of a pass; measure what nothing is learned from.

        `step`: counted from 1.
        """
        self._beta_now, self._measured = self.beta.beta_of(step), {}
        with self.clock.phase("advantages"):
            learned, others = self._learned(rollouts)
            updates = arrange(
                learned,
                self._echoes(rollouts.groups) if self._config.echo_coef else [],
                self._algorithm,
                self.text_model.tokenizer.pad,
                minibatches=self._config.minibatches,
                parts=self._config.accumulation_steps,
            )
        with self.clock.phase("scoring"), torch.no_grad(), self._runtime.autocast():
            for batch in self._parts(others):
                self._measure(batch.to(self._runtime.device))
            return [[self._scored_anew(part) for part in parts] for parts in updates]

    def passes(self, updates: list[list[Batch]]) -> Iterator[list[Batch]]:
        """Yield the updates of every inner epoch."""
        for epoch in range(self._config.inner_epochs):
            self._first_pass = epoch == 0
            yield from updates
        self._first_pass = False

    def end_step(self, step: int, measured: Means) -> None:
        """Take over what was measured of a step, and lead beta by its KL."""
        sums = {name: float(total) for name, total in self._measured.items()}
        sums = sums if all(map(math.isfinite, sums.values())) else {}
        tokens = sums.pop("tokens", 0.0)
        for name in ("kl", "entropy"):
            measured.add(name, sums.get(name, 0.0), tokens)
        measured.add("beta", self._beta_now)
        self.kl = sums["kl"] / tokens if tokens else None
        if self.kl is not None:
            self.beta.observe(step, self.kl)
        self.means.merge(measured)
        self.clock.end_step()

    def greedy_reward(
        self, prompts: list[TaskPrompt], check: Callable[[], None]
    ) -> tuple[float, int]:
        """Return the sum of the rewards of the likeliest completions, and how many have one."""
        asked = [prompt for prompt in prompts if prompt.valid and self.sampler.read(prompt)]
        with self.clock.phase("greedy"):
            most = self._config.max_new_tokens
            _, scored = answered(self.text_model, self._mixture, asked, most, check)
            rewards = [self.sampler.rewards(part) for part in scored]
        rewards_n = np.concatenate(rewards) if rewards else np.zeros(0)
        return float(np.nansum(rewards_n)), int(np.isfinite(rewards_n).sum())

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return a part's share of the loss, times the tokens of its update, of which the mean is
        taken, and what else train records have the means of.
        """
        if isinstance(batch, EchoBatch):
            return self._echo_sums(batch)
        assert isinstance(batch, PolicyBatch)
        logits_nv = token_logits(self.model, batch)
        chunk = batch.chunk._replace(reference_nv=self._reference_log_probs(batch))
        loss, sums = self._objective.loss(logits_nv, chunk, self._beta_now)
        if self._first_pass:
            self._add_measured(sums)
        whole, by_token = batch.counts.tokens, batch.counts.tokens / batch.counts.sampled
        return _no_sums(loss) | {
            "loss": loss * whole,
            "policy_loss": sums["policy_loss"] * whole,
            "kl_loss": sums["kl_loss"] * whole,
            "ratio": sums["ratio"] * by_token,
            "clip_ratio/low_mean": sums["clip_low"] * by_token,
            "clip_ratio/high_mean": sums["clip_high"] * by_token,
        }

    def flops(self, batch: Batch) -> int:
        """Return the operations of a forward and backward pass, and of the reference's forward.

        Each text's prompt is counted with it, though a CPU computes shared ones once.
        """
        told, tokens = len(batch.targets_n), int(text_lengths(batch).sum())
        forward = self._forward_flops(tokens, told, batch.attended_pairs)
        return (4 if isinstance(batch, PolicyBatch) else 3) * forward

    def sampling_flops(self, groups: list[Group]) -> int:
        """Return the operations of sampling groups: a prompt's once, with keys and values kept."""
        total = 0
        for group in groups:
            asked, told = len(group.ids), [len(one.tokens_n) for one in group.completions]
            pairs = asked * (asked + 1) // 2 + sum(n * asked + n * (n + 1) // 2 for n in told)
            total += self._forward_flops(asked + sum(told), sum(told), pairs)
        return total

    def accepts(self, finite: Tensor) -> bool:
        """Refuse an update that is not finite, and count it."""
        accepted = bool(finite)
        self.refused = 0 if accepted else self.refused + 1
        self.means.count("refused_updates", not accepted)
        return accepted

    def evaluate(self) -> dict[str, Any]:
        """Answer the held-out prompts greedily; `eval_reward` is the mean over tasks.

        `kl` is that of the last step.
        """
        last = {} if self.kl is None else {"kl": self.kl}
        return self._held_out.evaluate(self.text_model, self._check, self.sampler.rewards) | last

    def describe(self) -> dict[str, Any]:
        """Return the model's size, its tokenizer, the reference and what is held out."""
        return {
            "parameters": self.text_model.parameters,
            "tokenizer": self.text_model.spec.tokenizer,
            "reference": self._origin,
            "held_out": self._held_out.counts(),
        }

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what the weights need to be read, and which the reference is."""
        return {TEXT_MODEL: self.text_model.document(), REFERENCE: self._origin}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps beside tensors."""
        beta, window = self.beta.state_dict(), self.means.state_dict()
        last = {"refused": self.refused, "kl": self.kl, "past": self.past}
        return {"beta": beta, "window": window, **last}

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint's policy.

        Raises:
            ValueError: its tensors are not this model's.
        """
        super().load(checkpoint)
        state = checkpoint.training_state["reinforcement"]
        self.beta.load_state_dict(state["beta"])
        self.means.load_state_dict(state["window"])
        self.refused, self.kl, self.past = state["refused"], state["kl"], state["past"]

    def close(self) -> None:
        """End the chess program."""
        self._mixture.close()

    def _check_room(self) -> None:
        """Refuse a context that is too short for held-out prompts.

        Raises:
            ConfigError: it is.
        """
        encode, most = self.text_model.tokenizer.encode, self.text_model.spec.max_seq_len
        prompts = [prompt for some in self._held_out.prompts.values() for prompt in some]
        longest = max(len(encode(prompt.text)) for prompt in prompts)
        if longest + self._config.max_new_tokens > most:
            raise ConfigError(
                f"max_new_tokens {self._config.max_new_tokens} and prompts of {longest} tokens do "
                f"not fit in the context of {self._config.checkpoint!r}, {most} tokens; allowed: 1 "
                f"to {most - longest}"
            )

    def _learned(self, rollouts: Rollouts) -> tuple[list[list[Learned]], list[Learned]]:
        """Return the completions to learn from, by group, and all others."""
        config, groups = self._config, rollouts.groups
        assert config.advantage is not None
        passed_over = unlearned(rollouts.passed_over)
        if not groups:
            return [], passed_over
        rewards_pg = rewards_of_groups(groups)
        if config.kl_in == "reward" and self._beta_now:
            rewards_pg = rewards_pg - self._beta_now * self._penalties(groups)
        floor, clip = config.std_floor, config.advantage_clip
        advantages = group_advantages(rewards_pg, config.advantage, std_floor=floor, clip=clip)
        learned = learned_from(groups, *advantages)
        unused = learned_from(groups, advantages.values_pg, ~advantages.used_pg)
        return learned, [one for group in unused for one in group] + passed_over

    def _parts(self, completions: list[Learned]) -> Iterator[PolicyBatch]:
        """Yield completions as parts of the size of micro-batches, that weigh nothing."""
        config = self._config
        updates = config.minibatches * config.accumulation_steps
        size = config.batch_size // updates * config.group_size
        for begin in range(0, len(completions), size):
            some = completions[begin : begin + size]
            pad, weights_c = self.text_model.tokenizer.pad, torch.zeros(len(some))
            yield policy_batch(some, weights_c, Counts(0, 0), pad)

    @torch.no_grad()
    def _penalties(self, groups: list[Group]) -> Tensor:
        """Return each completion's KL to the reference by its sampled tokens, (p, g)."""
        penalties = []
        for part in self._parts(unlearned(groups)):
            batch = part.to(self._runtime.device)
            with self._runtime.autocast():
                reference_n = token_log_probs(self._reference.model, batch)
                old_n = token_log_probs(self.model, batch)  # as the reference's: equal ones cancel
            of_part = kl_penalties(old_n, reference_n, batch.chunk.completions_n, part.games)
            penalties.append(of_part.cpu())
        return torch.cat(penalties).view(len(groups), -1)

    def _reference_log_probs(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            return token_logits(self._reference.model, batch).log_softmax(dim=-1)

    def _measure(self, batch: PolicyBatch) -> None:
        log_p_nv = token_logits(self.model, batch).log_softmax(dim=-1)
        kl_n = exact_kl(log_p_nv, self._reference_log_probs(batch))
        sums = {"kl": kl_n, "entropy": entropy(log_p_nv), "tokens": torch.ones_like(kl_n)}
        self._add_measured({name: values_n.double().sum() for name, values_n in sums.items()})

    def _add_measured(self, sums: dict[str, Tensor]) -> None:
        for name in ("kl", "entropy", "tokens"):
            self._measured[name] = self._measured.get(name, 0.0) + sums[name]

    def _scored_anew(self, part: Batch) -> Batch:
        """Return a part with old log-probabilities as a learning pass computes them.

        In 16 bits its products are not those of sampling, which is in float32: before any update
        ratios would not be 1. The only update of a step computes them itself.
        """
        if self._runtime.amp_dtype is None or not isinstance(part, PolicyBatch):
            return part
        if self._config.inner_epochs == self._config.minibatches == 1:
            return replace(part, chunk=part.chunk._replace(old_n=None))
        old_n = token_log_probs(self.model, part.to(self._runtime.device)).cpu()
        return replace(part, chunk=part.chunk._replace(old_n=old_n))

    def _echoes(self, groups: list[Group]) -> list[Row]:
        """Return the prompts whose answer is a fact of the rules, with right completions."""
        asked = [group for group in groups if not task_kind(group.prompt.task).asks_engine]
        texts = self._mixture.completions([group.prompt for group in asked])
        encode, end = self.text_model.tokenizer.encode, self.text_model.tokenizer.end
        rows = [(group.ids, [*encode(text), end]) for group, text in zip(asked, texts, strict=True)]
        most = self.text_model.spec.max_seq_len
        return [row for row in rows if len(row[0]) + len(row[1]) - 1 <= most]

    def _echo_sums(self, batch: EchoBatch) -> dict[str, Tensor]:
        scale = self._config.echo_coef * batch.counts.tokens
        loss = -scale * token_log_probs(self.model, batch).mean()
        return _no_sums(loss) | {"loss": loss, "echo_loss": loss.detach()}

    def _forward_flops(self, tokens: int, told: int, pairs: int) -> int:
        spec, size = self.text_model.spec, self.text_model.tokenizer.size
        gated = isinstance(self.model, Transformer)
        return text_flops(spec.architecture, size, tokens, told, pairs, gated=gated)


def _objective(config: GrpoConfig) -> Objective:
    assert config.clip_eps is not None
    assert config.clip_eps_high is not None
    clip = Clip(config.clip_eps, config.clip_eps_high, config.cispo_cap)
    estimator = config.kl_estimator if config.kl_in == "loss" else None
    return Objective(algorithm_named(config.algorithm), clip, estimator, config.entropy_coef)


def _controller(config: GrpoConfig) -> BetaController:
    assert config.beta is not None
    return BetaController(
        config.beta,
        warmup_steps=config.beta_warmup_steps,
        target=config.target_kl,
        least=config.beta_min,
        most=config.beta_max,
    )


def _no_sums(like: Tensor) -> dict[str, Tensor]:
    """Return a zero of each sum, so that all parts of an update have the same ones."""
    return {name: like.new_zeros(()) for name in _SUMS}
