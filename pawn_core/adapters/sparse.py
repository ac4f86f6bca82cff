"""Sparse finetuning: a frozen matrix moves at a random few of its entries, and nowhere else.

(Xu & Zhang, 2024, arXiv 2405.02596.) What is trained is a vector of values: no gradient, moment or
decay of any other entry exists.

Shapes: k chosen entries of a matrix.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.adapters.adapter import Adapter
from pawn_core.adapters.linear import AdaptedLinear
from pawn_core.config.adapters import active_entries


class Entries(nn.Module):
    """Values that are added to a matrix at chosen places; zeros at the start."""

    indices: Tensor
    """int32 (k,), ascending: places in the flattened matrix."""

    def __init__(self, indices_k: Tensor, like: Tensor) -> None:
        super().__init__()
        self.register_buffer("indices", indices_k.to(like.device, torch.int32))
        self.weight = nn.Parameter(like.new_zeros(len(indices_k)))

    def added_to(self, matrix: Tensor) -> Tensor:
        """Return the sum, a matrix of its own, whose gradient reaches the values."""
        values = self.weight.to(matrix.dtype)
        return matrix.flatten().index_add(0, self.indices, values).view_as(matrix)


class SparseLinear(AdaptedLinear):
    """`x (W + S).T`, S zero but at chosen entries."""

    def __init__(self, frozen: nn.Linear, indices_k: Tensor) -> None:
        super().__init__(frozen)
        self.sparse = Entries(indices_k, frozen.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the sum, made anew each time: that costs as much as a single token."""
        return F.linear(input, self.sparse.added_to(self.weight))

    def update(self) -> Tensor:
        """Return S."""
        return self.sparse.added_to(torch.zeros_like(self.weight, dtype=torch.float64))


class Sparse(Adapter):
    """Random entries of the chosen matrices; the mask is part of the checkpoint."""

    def install(self, generator: torch.Generator) -> None:
        """Draw the entries of each matrix, one matrix after the other."""
        for name, count in self.counts().items():
            indices_k = random_entries(self._size(name), count, generator)
            self.replace(name, lambda frozen, k=indices_k: SparseLinear(frozen, k))

    def counts(self) -> dict[str, int]:
        """Return how many entries of each chosen matrix move, by its name.

        Raises:
            ValueError: none of a matrix does.
        """
        config = self.config
        names = self.matrices(config.sparse_targets, config.sparse_ffn)
        sizes = {name: self._size(name) for name in names}
        counts = {name: active_entries(config.density, size) for name, size in sizes.items()}
        for name, count in counts.items():
            if not count:
                raise ValueError(
                    f"density {config.density} leaves no entry of {name} to train; at least one "
                    f"of its {sizes[name]} takes {1 / sizes[name]:.2g}"
                )
        return counts

    def state(self) -> dict[str, Tensor]:
        """Return the values and where they belong."""
        masks = {f"{name}.sparse.indices": e.indices for name, e in self.entries().items()}
        return super().state() | masks

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over values and masks.

        Raises:
            ValueError: a name or shape is another, or a mask is none of its matrix.
        """
        super().load(tensors)
        for name, entries in self.entries().items():
            places, size = entries.indices.tolist(), self._size(name)
            if places != sorted(set(places)) or places[0] < 0 or places[-1] >= size:
                raise ValueError(f"'{name}.sparse.indices' are no ascending places below {size}")

    def entries(self) -> dict[str, Entries]:
        """Return the entries that have been chosen, by the name of their matrix."""
        names = {n: m for n, m in self.model.named_modules() if isinstance(m, Entries)}
        return {name.rpartition(".")[0]: module for name, module in names.items()}

    def _size(self, name: str) -> int:
        return self.model.get_parameter(f"{name}.weight").numel()


def random_entries(entries: int, count: int, generator: torch.Generator) -> Tensor:
    """Return `count` of so many places, int64 (k,), ascending; the same on any machine."""
    return torch.randperm(entries, generator=generator)[:count].sort().values
