"""Groups of completions that a policy samples, and what they are worth.

Shapes: p groups, one a prompt, g completions of a group, n tokens of a completion.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import GrpoConfig
from pawn_core.language import Completions, TextModel, TextSampling, complete
from pawn_core.reinforcement import reward_metrics
from pawn_core.tasks import Mixture, Scored, TaskPrompt, build_scheme, rewards_of
from pawn_core.training.rollout_stats import Clock, Means

_SHUFFLE = 1 << 62
"""Apart from the seeds, and from what chooses tasks: what moves rewards about in a control."""
_COUNTED = frozenset({"invalid_completions", "dropped_groups"})
"""Of the metrics of rewards, those that are no means."""


class Completion(NamedTuple):
    """What was sampled."""

    tokens_n: NDArray[np.int64]
    """The end token included, where it ended."""
    old_n: NDArray[np.float32]
    """Log-probabilities of the policy at temperature 1, whatever it was sampled at, nats."""
    ended: bool


class Group(NamedTuple):
    """The completions of one prompt."""

    prompt: TaskPrompt
    ids: list[int]
    """The prompt as the model reads it."""
    completions: list[Completion]
    rewards_g: NDArray[np.float64]
    """nan where the verifier failed: such a completion is dropped, never given a reward."""

    @property
    def varies(self) -> bool:
        """Whether there is anything to learn from comparing its completions."""
        valid = self.rewards_g[np.isfinite(self.rewards_g)]
        return len(valid) > 1 and bool(np.ptp(valid) > 1e-9)


class Rollouts(NamedTuple):
    """What the prompts of a step came to."""

    groups: list[Group]
    """Those to learn from."""
    passed_over: list[Group]
    """Those for which others were drawn, their rewards being all the same, or not needed."""
    means: Means
    """What was measured of all that was sampled."""

    @property
    def all_groups(self) -> list[Group]:
        """Return every group that was sampled."""
        return [*self.groups, *self.passed_over]


class Place(NamedTuple):
    """Where in a run prompts are."""

    step: int
    """From 0."""
    round: int = 0


class Sampler:
    """Samples and rewards groups, as a config says."""

    def __init__(
        self,
        config: GrpoConfig,
        text_model: TextModel,
        mixture: Mixture,
        clock: Clock,
        check: Callable[[], None],
    ) -> None:
        """`clock` is told how long each part takes; `check` is called between tokens."""
        self._config, self._text_model, self._mixture = config, text_model, mixture
        self._clock, self._check = clock, check
        self._scheme = build_scheme(
            config.reward_scheme, config.reward_weights or {}, config.reward_shaping
        )
        self._sampling = {task: self._sampling_of(task) for task in mixture.tasks}

    def first_prompt(self, place: Place) -> int:
        """Return the number of a place's first prompt; no two places share one."""
        rounds = self._config.most_rounds if self._config.dynamic_sampling else 1
        return (place.step * rounds + place.round) * self._config.batch_size

    def prompts(self, place: Place) -> list[TaskPrompt]:
        """Return the prompts of a place; called from any thread."""
        config = self._config
        assert config.data_seed is not None
        first = self.first_prompt(Place(0) if config.overfit_single_batch else place)
        return self._mixture.prompts(config.data_seed, first, config.batch_size, place.step)

    def collect(self, prompts: list[TaskPrompt], step: int) -> Rollouts:
        """Return groups of these prompts; with dynamic sampling, of further ones until all vary.

        Raises:
            Interrupted: the run was asked to stop meanwhile.
        """
        config, means = self._config, Means()
        sampled, place = self._sample(prompts, Place(step), means), Place(step)
        most = config.most_rounds if config.dynamic_sampling else 1
        while place.round + 1 < most and sum(g.varies for g in sampled) < config.batch_size:
            place = Place(step, place.round + 1)
            sampled += self._sample(self.prompts(place), place, means)
        means.add("sampling/rounds", place.round + 1)
        _measure_rewards(means, sampled)
        _measure_lengths(means, sampled)
        if not config.dynamic_sampling:
            return Rollouts(sampled, [], means)
        varied = [group for group in sampled if group.varies]
        rest = [group for group in sampled if not group.varies] + varied[config.batch_size :]
        return Rollouts(varied[: config.batch_size], rest, means)

    def _sample(self, prompts: list[TaskPrompt], place: Place, means: Means) -> list[Group]:
        """Return a group of each prompt that can be read and verified, and count the others."""
        size = self._config.group_size
        numbered = [
            (self.first_prompt(place) + index, prompt, self.read(prompt))
            for index, prompt in enumerate(prompts)
            if prompt.valid
        ]
        readable = [(n, prompt, ids) for n, prompt, ids in numbered if ids is not None]
        asked = [prompt for _, prompt, _ in readable for _ in range(size)]
        with self._clock.phase("generation"):
            written = complete(
                self._text_model,
                [ids for _, _, ids in readable for _ in range(size)],
                [self._sampling[prompt.task] for prompt in asked],
                seed=self._config.seed,
                numbers=[n * size + member for n, _, _ in readable for member in range(size)],
                check=self._check,
            )
        with self._clock.phase("rewards"):
            scored = self._mixture.score(asked, written.texts, written.ended)
            rewards_pg = rewards_of(self._scheme, scored, len(asked)).reshape(-1, size)
            self._measure(scored, means)
        if self._config.shuffle_rewards:
            rewards_pg = shuffled(rewards_pg, self._config.seed, self.first_prompt(place))
        groups = [
            Group(prompt, ids, _completions(written, slice(i * size, (i + 1) * size)), rewards)
            for i, ((_, prompt, ids), rewards) in enumerate(zip(readable, rewards_pg, strict=True))
        ]
        means.count("dropped_prompts", len(prompts) - len(groups))
        return groups

    def read(self, prompt: TaskPrompt) -> list[int] | None:
        """Return a prompt's ids; None where they leave no room for a completion."""
        ids = self._text_model.tokenizer.encode(prompt.text)
        room = self._text_model.spec.max_seq_len - self._config.max_new_tokens
        return ids if len(ids) <= room else None

    def rewards(self, scored: Scored) -> NDArray[np.float64]:
        """Return the rewards (n,) of one task's completions; nan where the verifier failed."""
        return np.where(scored.scores.valid, self._scheme.rewards(scored), np.nan)

    def _sampling_of(self, task: str) -> TextSampling:
        temperature, top_p, top_k = self._config.sampling_of(task)
        return TextSampling(self._config.max_new_tokens, temperature, top_k, top_p)

    def _measure(self, scored: Sequence[Scored], means: Means) -> None:
        """Tell what was verified, by task and component, and the reward before any shuffling."""
        for part in scored:
            valid, rewards = part.scores.valid, self.rewards(part)
            means.add(f"rewards/{part.task}/mean", np.nansum(rewards), valid.sum())
            for name, values in part.scores.components.items():
                known = values[valid & np.isfinite(values)]
                means.add(f"rewards/{part.task}.{name}/mean", known.sum(), len(known))


def _completions(written: Completions, members: slice) -> list[Completion]:
    columns = (column[members] for column in (written.tokens, written.log_probs, written.ended))
    return [
        Completion(tokens, old, bool(ended)) for tokens, old, ended in zip(*columns, strict=True)
    ]


def shuffled(rewards_pg: NDArray[np.float64], seed: int, first: int) -> NDArray[np.float64]:
    """Return rewards moved about inside their groups: spread as before, and of no meaning.

    What had no reward has none afterwards.
    """
    moved_pg = rewards_pg.copy()
    for index, rewards_g in enumerate(moved_pg):
        draws = np.random.Generator(np.random.Philox(key=(seed ^ _SHUFFLE, first + index)))
        valid = np.flatnonzero(np.isfinite(rewards_g))
        rewards_g[valid] = rewards_g[draws.permutation(valid)]
    return moved_pg


def rewards_of_groups(groups: Sequence[Group]) -> Tensor:
    """Return the rewards (p, g) of groups, one at least, of one size; float64."""
    return torch.from_numpy(np.stack([group.rewards_g for group in groups]))


def _measure_rewards(means: Means, groups: Sequence[Group]) -> None:
    """Tell the rewards, by TRL's names, and what is dropped."""
    for name, value in reward_metrics(rewards_of_groups(groups)).items() if groups else ():
        if name in _COUNTED:
            means.count(name, value or 0)
        else:
            means.add(name, value or 0.0, value is not None)


def _measure_lengths(means: Means, groups: Sequence[Group]) -> None:
    """Tell how long completions are and how many were cut, by TRL's names."""
    completions = [c for group in groups for c in group.completions]
    lengths = np.array([len(c.tokens_n) for c in completions], dtype=np.int64)
    ended = np.array([c.ended for c in completions], dtype=bool)
    means.add("tokens_per_step", lengths.sum())
    means.add("completions/mean_length", lengths.sum(), len(lengths))
    means.add("completions/mean_terminated_length", lengths[ended].sum(), int(ended.sum()))
    means.add("completions/clipped_ratio", float((~ended).sum()), len(ended))
    if len(lengths):
        means.add("completions/min_length", float(lengths.min()))
        means.add("completions/max_length", float(lengths.max()))
