"""RoSA: a low-rank and a sparse update, the sparse one where gradients have been largest.

(Nikdan et al., 2024, arXiv 2401.04679.) Three phases: LoRA learns alone; the gradients of the
frozen matrices choose entries, without an update; LoRA and the entries learn together.

Shapes: k chosen entries of a matrix.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pawn_core.adapters.adapter import Gradients
from pawn_core.adapters.lora import LoraLinear, add_lora
from pawn_core.adapters.sparse import Entries, Sparse, SparseLinear


class RosaLinear(LoraLinear):
    """`x (W + alpha / r B A + S).T`."""

    def __init__(self, lora: LoraLinear, indices_k: Tensor) -> None:
        """Take over what LoRA has learned, and add entries."""
        super(LoraLinear, self).__init__(lora)
        self.scale, self.lora_A, self.lora_B = lora.scale, lora.lora_A, lora.lora_B
        self.sparse = Entries(indices_k, lora.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the matrix with its entries, and the low-rank update."""
        return self.adapted(input, self.sparse.added_to(self.weight))

    def update(self) -> Tensor:
        """Return `alpha / r B A + S`."""
        return self.sparse.added_to(super().update())


class Rosa(Sparse):
    """LoRA from the start, and entries from the second phase on."""

    def install(self, generator: torch.Generator) -> None:
        """Put LoRA on its matrices; check that the sparse ones have entries to choose."""
        add_lora(self, generator)
        self.counts()

    def advance(self, step: int, gradients: Gradients) -> str:
        """Choose the entries once LoRA has learned alone for long enough."""
        if self.entries() or step < self.config.rosa_warmup_steps:
            return ""
        scores, counts = self._scores(gradients), self.counts()
        self._add_entries({name: top_entries(scores[name], k) for name, k in counts.items()})
        return (
            f"chose {sum(counts.values()):,} entries of {len(counts)} matrices by the gradients of "
            f"{self.config.rosa_mask_batches} batches"
        )

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the state of any phase.

        Raises:
            ValueError: see `Sparse.load`.
        """
        counts = self.counts()
        if not self.entries() and any(name.endswith(".sparse.indices") for name in tensors):
            self._add_entries({name: torch.arange(count) for name, count in counts.items()})
        super().load(tensors)

    def _scores(self, gradients: Gradients) -> dict[str, Tensor]:
        """Return the sum of |gradient|^alpha over batches, float64: powers underflow in float32."""
        names, alpha = list(self.counts()), self.config.rosa_grad_alpha
        matrices = [self.model.get_parameter(f"{name}.weight") for name in names]
        scores = [torch.zeros_like(matrix, dtype=torch.float64) for matrix in matrices]
        for batch in gradients(matrices, self.config.rosa_mask_batches):
            for score, gradient in zip(scores, batch, strict=True):
                score += gradient.double().abs() ** alpha
        return dict(zip(names, scores, strict=True))

    def _add_entries(self, indices: Mapping[str, Tensor]) -> None:
        for name, indices_k in indices.items():
            self.replace(name, lambda linear, k=indices_k: _with_entries(linear, k))


def top_entries(scores: Tensor, count: int) -> Tensor:
    """Return where the highest scores of a matrix are, int64 (k,), ascending; of ties the first."""
    flat = scores.flatten()
    lowest = flat.topk(count).values[-1]
    above, equal = (flat > lowest).nonzero()[:, 0], (flat == lowest).nonzero()[:, 0]
    return torch.cat((above, equal[: count - len(above)])).sort().values


def _with_entries(linear: nn.Linear, indices_k: Tensor) -> nn.Linear:
    if isinstance(linear, LoraLinear):
        return RosaLinear(linear, indices_k)
    return SparseLinear(linear, indices_k)
