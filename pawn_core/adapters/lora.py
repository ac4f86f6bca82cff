"""LoRA: a matrix learns an update of low rank (Hu et al., 2022, arXiv 2106.09685).

Names and files are those of peft, which reads such a checkpoint.
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pawn_core.adapters.adapter import Adapter
from pawn_core.adapters.linear import AdaptedLinear
from pawn_core.adapters.low_rank import low_rank_linear
from pawn_core.config.adapters import TARGETS
from pawn_core.run_paths import PEFT


class LoraLinear(AdaptedLinear):
    """`x (W + alpha / r B A).T`; A of shape (r, in) is drawn, B of shape (out, r) starts at 0."""

    def __init__(
        self, frozen: nn.Linear, rank: int, alpha: float, generator: torch.Generator
    ) -> None:
        super().__init__(frozen)
        self.scale = alpha / rank
        self.lora_A = nn.Linear(self.in_features, rank, bias=False, device="meta")
        self.lora_B = nn.Linear(rank, self.out_features, bias=False, device="meta")
        down, up = torch.empty(rank, self.in_features), torch.zeros(self.out_features, rank)
        nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=generator)
        self.lora_A.weight = nn.Parameter(down.to(frozen.weight))
        self.lora_B.weight = nn.Parameter(up.to(frozen.weight))

    def forward(self, input: Tensor) -> Tensor:
        """Apply the frozen matrix and the update, which is never made whole."""
        return self.adapted(input, self.weight)

    def adapted(self, input: Tensor, weight: Tensor) -> Tensor:
        """Apply a matrix and the update."""
        up = self.lora_B.weight
        up = up if self.scale == 1 else self.scale * up
        return low_rank_linear(input, weight, self.lora_A.weight, up)

    def update(self) -> Tensor:
        """Return `alpha / r B A`."""
        return self.scale * (self.lora_B.weight.double() @ self.lora_A.weight.double())


class Lora(Adapter):
    """LoRA on attention's matrices, on the feed-forward ones too where asked."""

    prefix: ClassVar[str] = "base_model.model."

    def install(self, generator: torch.Generator) -> None:
        """Put LoRA on the chosen matrices."""
        add_lora(self, generator)

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return peft's configuration."""
        modules = [TARGETS[letter] for letter in self.config.lora_targets]
        modules += ["w_gate", "w_up", "w_down"] if self.config.lora_ffn else []
        document = {
            "peft_type": "LORA",
            "task_type": None,
            "base_model_name_or_path": self.config.checkpoint,
            "r": self.config.lora_rank,
            "lora_alpha": self.config.lora_alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "target_modules": modules,
            "layers_to_transform": list(self.layers),
            "layers_pattern": "layers",
            "inference_mode": True,
        }
        return {PEFT: document}


def add_lora(adapter: Adapter, generator: torch.Generator) -> None:
    """Put LoRA on the matrices that the adapter's config names."""
    config, alpha = adapter.config, adapter.config.lora_alpha
    assert alpha is not None
    for name in adapter.matrices(config.lora_targets, config.lora_ffn):
        adapter.replace(name, lambda frozen: LoraLinear(frozen, config.lora_rank, alpha, generator))
