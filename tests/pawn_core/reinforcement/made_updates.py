"""Completions made up for the tests of losses."""

from typing import Any

import torch
from torch import Tensor

from pawn_core.config.policy_loss import ALGORITHMS as USUAL
from pawn_core.reinforcement import ALGORITHMS, Chunk, Clip, Objective, completion_weights

VOCABULARY = 7


class Update:
    """Completions of different lengths, a policy that has moved since it sampled them."""

    def __init__(self, seed: int, lengths: tuple[int, ...] = (1, 4, 2, 7, 3), moved: float = 0.3):
        generator = torch.Generator().manual_seed(seed)
        self.lengths_c = torch.tensor(lengths)
        self.completions_n = torch.repeat_interleave(torch.arange(len(lengths)), self.lengths_c)
        shape = (len(self.completions_n), VOCABULARY)
        self.old_logits_nv = torch.randn(shape, generator=generator, dtype=torch.float64)
        noise_nv = torch.randn(shape, generator=generator, dtype=torch.float64)
        self.logits_nv = (self.old_logits_nv + moved * noise_nv).requires_grad_()
        other_nv = torch.randn(shape, generator=generator, dtype=torch.float64)
        self.reference_nv = (self.old_logits_nv + 0.5 * other_nv).log_softmax(-1)
        self.tokens_n = torch.randint(VOCABULARY, shape[:1], generator=generator)
        advantages_c = torch.randn(len(lengths), generator=generator, dtype=torch.float64)
        self.advantages_c = advantages_c
        self.used_c = torch.ones(len(lengths), dtype=torch.bool)

    @property
    def old_n(self) -> Tensor:
        return taken(self.old_logits_nv.log_softmax(-1), self.tokens_n)

    def chunk(self, algorithm: str, *completions: int) -> tuple[Tensor, Chunk]:
        """Return the logits and the chunk of some completions, weighed by all."""
        weights_c = completion_weights(ALGORITHMS[algorithm], self.lengths_c, self.used_c)
        chosen = torch.tensor(completions or range(len(self.lengths_c)))
        rows = torch.cat([(self.completions_n == c).nonzero()[:, 0] for c in chosen])
        return self.logits_nv[rows], Chunk(
            tokens_n=self.tokens_n[rows],
            completions_n=torch.repeat_interleave(
                torch.arange(len(chosen)), self.lengths_c[chosen]
            ),
            old_n=self.old_n[rows],
            advantages_c=self.advantages_c[chosen],
            weights_c=weights_c[chosen],
            reference_nv=self.reference_nv[rows],
        )

    def gradient(self, algorithm: str, clip: Clip | None = None, **settings: Any) -> Tensor:
        """Return that of the loss of all completions by the logits."""
        beta = settings.pop("beta", 0.0)
        objective = objective_of(algorithm, clip, **settings)
        loss, _ = objective.loss(*self.chunk(algorithm), beta)
        return torch.autograd.grad(loss, self.logits_nv)[0]


def objective_of(algorithm: str, clip: Clip | None = None, **settings: Any) -> Objective:
    """Return an objective with the algorithm's usual clip, or another."""
    usual = USUAL[algorithm]
    clip = clip or Clip(usual.clip_eps, usual.clip_eps_high)
    return Objective(ALGORITHMS[algorithm], clip, **settings)


def taken(values_nv: Tensor, tokens_n: Tensor) -> Tensor:
    """Return each row's value at its token."""
    return values_nv.gather(1, tokens_n[:, None]).squeeze(1)
