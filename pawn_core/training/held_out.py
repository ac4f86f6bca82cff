"""Held-out prompts of text tasks: answered greedily, verified, and counted by what is hard.

Shapes: n prompts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pawn_core.config.tasks import task_kind
from pawn_core.language import Completions, TextModel, TextSampling, complete
from pawn_core.tasks import Mixture, Scored, TaskPrompt
from pawn_core.tasks.held_out import PLAIN

_AT_ONCE = 64
"""Prompts whose keys and values are held side by side."""

Check = Callable[[], None]
"""Called before each token; what it raises ends the work."""
Rewards = Callable[[Scored], NDArray[np.float64]]
"""Return the rewards (n,) of verified completions; nan where the verifier failed."""


def answered(
    text_model: TextModel,
    mixture: Mixture,
    prompts: Sequence[TaskPrompt],
    max_new_tokens: int,
    check: Check,
) -> tuple[Completions, list[Scored]]:
    """Answer prompts of any tasks greedily, and verify the answers task by task."""
    encode, sampling = text_model.tokenizer.encode, TextSampling(max_new_tokens, temperature=0.0)
    parts = [
        complete(text_model, [encode(prompt.text) for prompt in some], sampling, check=check)
        for some in _chunks(prompts)
    ]
    completions = Completions(
        tokens=[tokens for part in parts for tokens in part.tokens],
        log_probs=[log_probs for part in parts for log_probs in part.log_probs],
        ended=np.concatenate([part.ended for part in parts] or [np.zeros(0, dtype=np.bool_)]),
        texts=[text for part in parts for text in part.texts],
    )
    return completions, mixture.score(prompts, completions.texts, completions.ended)


@dataclass(frozen=True)
class HeldOut:
    """Prompts of each task that nothing is trained on."""

    mixture: Mixture
    prompts: Mapping[str, Sequence[TaskPrompt]]
    """Of each task, in the order of their numbers."""
    max_new_tokens: int
    """Of a completion, its end among them."""

    def first(self, count: int) -> "HeldOut":
        """Return the first so many prompts of each task."""
        prompts = {task: of_task[:count] for task, of_task in self.prompts.items()}
        return replace(self, prompts=prompts)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many prompts of each task there are by what makes them hard."""
        strata = {task: _strata(self.mixture, task, p) for task, p in self.prompts.items()}
        return {
            task: {stratum: int(in_n.sum()) for stratum, in_n in of_task}
            for task, of_task in strata.items()
        }

    def evaluate(
        self, text_model: TextModel, check: Check, rewards: Rewards | None = None
    ) -> dict[str, float | None]:
        """Answer all prompts greedily; return how much of it is right.

        Of each task: `policy_best`, the mean of a component; `policy_exact`, the share of
        completions that are right to the letter, where the task says so; `policy_best_check`, the
        mean of the headline where a position has this stratum, None where none has; `policy_ended`,
        the share of completions with an end. With rewards `eval_reward_policy` too, and
        `eval_reward`, the mean over tasks. Prompts whose verifier failed are left out.
        """
        metrics: dict[str, float | None] = {}
        for task, prompts in self.prompts.items():
            completions, scored = answered(
                text_model, self.mixture, prompts, self.max_new_tokens, check
            )
            metrics[f"{task}_ended"] = _mean(completions.ended)
            for of_task in scored:
                metrics |= rates(self.mixture, of_task)
                if rewards:
                    metrics[f"eval_reward_{task}"] = _mean(rewards(of_task))
        if rewards:
            of_tasks = [metrics.get(f"eval_reward_{task}") for task in self.prompts]
            metrics["eval_reward"] = _mean(np.array(of_tasks, dtype=np.float64))
        return metrics


def rates(mixture: Mixture, scored: Scored) -> dict[str, float | None]:
    """Return how much is right of a task's verified completions; see `HeldOut.evaluate`."""
    task, valid_n = scored.task, scored.scores.valid
    components = scored.scores.components
    found = {f"{task}_{name}": _mean(values[valid_n]) for name, values in components.items()}
    if (exact_n := scored.scores.details.get("exact")) is not None:
        found[f"{task}_exact"] = _mean(exact_n[valid_n])
    headline = task_kind(task).headline
    for stratum, in_n in _strata(mixture, task, scored.prompts):
        found[f"{task}_{headline}_{stratum}"] = _mean(components[headline][valid_n & in_n])
    return found


def _strata(
    mixture: Mixture, task: str, prompts: Sequence[TaskPrompt]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each stratum with which prompts (n,) have it."""
    bits_n = np.array([prompt.strata for prompt in prompts], dtype=np.int64)
    yield PLAIN, bits_n == 0
    for bit, stratum in enumerate(mixture.tasks[task].strata):
        yield stratum, (bits_n >> bit & 1).astype(np.bool_)


def _chunks(prompts: Sequence[TaskPrompt]) -> Iterator[Sequence[TaskPrompt]]:
    for begin in range(0, len(prompts), _AT_ONCE):
        yield prompts[begin : begin + _AT_ONCE]


def _mean(values: NDArray) -> float | None:
    """Return the mean of the values that are there."""
    there = values[~np.isnan(values.astype(np.float64))]
    return float(there.mean()) if len(there) else None
