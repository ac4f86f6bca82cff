"""The micro-batches that a policy learns from: completions, their advantages, what a token counts.

Shapes: b rows, n supervised tokens, c completions of a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from pawn_core.data.sequences import Batch
from pawn_core.data.targets import to_device
from pawn_core.language import text_batch
from pawn_core.language.rows import Row
from pawn_core.reinforcement import Algorithm, Chunk, completion_weights
from pawn_core.training.rollouts import Completion, Group


class Counts(NamedTuple):
    """Of the whole update that a micro-batch is a part of, so that its parts add up."""

    tokens: int
    """All supervised tokens."""
    sampled: int
    """Those of sampled completions."""


@dataclass(frozen=True, kw_only=True)
class PolicyBatch(Batch):
    """Sampled completions, a row each."""

    chunk: Chunk
    counts: Counts

    def to(self, device: torch.device) -> "PolicyBatch":
        """Return the batch on a device."""
        moved = super().to(device)
        assert isinstance(moved, PolicyBatch)
        if moved is self:
            return self
        tensors = {name: x for name, x in self.chunk._asdict().items() if x is not None}
        on_device = {name: to_device(x, device) for name, x in tensors.items()}
        return replace(moved, chunk=self.chunk._replace(**on_device))


@dataclass(frozen=True, kw_only=True)
class EchoBatch(Batch):
    """Right completions, a row each, learned by their cross-entropy."""

    counts: Counts


class Learned(NamedTuple):
    """A completion to learn from."""

    prompt: list[int]
    completion: Completion
    advantage: float


def learned_from(
    groups: Sequence[Group], values_pg: torch.Tensor, used_pg: torch.Tensor
) -> list[list[Learned]]:
    """Return each group's completions that count, groups without any left out."""
    learned = [
        [
            Learned(group.ids, completion, value)
            for completion, value, used in zip(group.completions, values, uses, strict=True)
            if used
        ]
        for group, values, uses in zip(groups, values_pg.tolist(), used_pg.tolist(), strict=True)
    ]
    return [group for group in learned if group]


def unlearned(groups: Sequence[Group]) -> list[Learned]:
    """Return all completions of groups, of no advantage."""
    return [Learned(group.ids, one, 0.0) for group in groups for one in group.completions]


def arrange(
    groups: list[list[Learned]],
    echoes: list[Row],
    algorithm: Algorithm,
    pad: int,
    *,
    minibatches: int,
    parts: int,
) -> list[list[Batch]]:
    """Return the micro-batches of each update of a pass over the completions.

    Groups are dealt to `minibatches` updates, and the completions of each to `parts` micro-batches.
    What a token counts for follows from the whole update: the number of parts changes nothing.

    Args:
        echoes: prompts with right completions, learned beside them in the same updates.
    """
    updates = []
    for index in range(minibatches):
        learned = [one for group in groups[index::minibatches] for one in group]
        rows = echoes[index::minibatches]
        if learned or rows:
            updates.append(_update(learned, rows, algorithm, pad, parts))
    return updates


def _update(
    learned: list[Learned], echoes: list[Row], algorithm: Algorithm, pad: int, parts: int
) -> list[Batch]:
    lengths_c = torch.tensor([len(one.completion.tokens_n) for one in learned], dtype=torch.int64)
    weights_c = completion_weights(algorithm, lengths_c, torch.ones(len(learned), dtype=torch.bool))
    sampled = int(lengths_c.sum())
    counts = Counts(sampled + sum(len(right) for _, right in echoes), sampled)
    shares = [share for share in np.array_split(np.arange(len(learned)), parts) if len(share)]
    batches: list[Batch] = [
        policy_batch([learned[i] for i in share], weights_c[share], counts, pad) for share in shares
    ]
    if echoes:
        batches.append(EchoBatch(**vars(text_batch(echoes, pad)), counts=counts))
    return batches


def policy_batch(
    learned: Sequence[Learned], weights_c: torch.Tensor, counts: Counts, pad: int
) -> PolicyBatch:
    """Return completions as a micro-batch."""
    batch = text_batch([(one.prompt, one.completion.tokens_n.tolist()) for one in learned], pad)
    lengths_c = torch.tensor([len(one.completion.tokens_n) for one in learned])
    chunk = Chunk(
        tokens_n=batch.targets_n,
        completions_n=torch.arange(len(learned)).repeat_interleave(lengths_c),
        old_n=torch.from_numpy(np.concatenate([one.completion.old_n for one in learned])),
        advantages_c=torch.tensor([one.advantage for one in learned], dtype=torch.float64),
        weights_c=weights_c,
    )
    return PolicyBatch(**vars(batch), chunk=chunk, counts=counts)
