"""What every adapter is: parameters in a frozen model, by their names there."""

import copy
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pawn_core.adapters.linear import AdaptedLinear
from pawn_core.config import AdapterConfig
from pawn_core.config.adapters import TARGETS, adapter_named
from pawn_core.model import Transformer

Gradients = Callable[[list[nn.Parameter], int], Iterator[list[Tensor]]]
"""Yields, for each of so many coming batches, the gradients of the mean loss by some parameters."""
_FEED_FORWARD = ("ffn.w_gate", "ffn.w_up", "ffn.w_down")


class Adapter(ABC):
    """Trainable parameters in a frozen model, which change nothing until they are trained."""

    prefix: ClassVar[str] = ""
    """Of the names in a checkpoint."""

    def __init__(self, model: Transformer, config: AdapterConfig) -> None:
        """Freeze the model and install the adapter, drawn from the config's seed.

        Raises:
            ValueError: the model lacks a layer that is to be adapted.
        """
        self.model, self.config = model, config
        self.layers = config.layers_of(len(model.layers))
        model.requires_grad_(False)
        self.install(torch.Generator().manual_seed(config.seed))

    @abstractmethod
    def install(self, generator: torch.Generator) -> None:
        """Put the modules of the adapter in the model; all that they add requires a gradient."""

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by its name in the model: exactly these move."""
        return {n: p for n, p in self.model.named_parameters() if p.requires_grad}

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps: live tensors by name."""
        return {self.prefix + name: p.detach() for name, p in self.parameters().items()}

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            ValueError: a name is missing, unexpected, or has another shape.
        """
        own = self.state()
        if odd := sorted(own.keys() ^ tensors.keys()):
            what = "lacks" if odd[0] in own else "has an unexpected"
            raise ValueError(f"the adapter's checkpoint {what} {odd[0]!r}")
        for name, tensor in own.items():
            if tensor.shape != tensors[name].shape:
                raise ValueError(
                    f"{name!r} has shape {list(tensors[name].shape)} in the adapter's checkpoint, "
                    f"the config makes {list(tensor.shape)}"
                )
            tensor.copy_(tensors[name])

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what a checkpoint keeps beside tensors, by file name."""
        return {}

    def lr_ratios(self) -> dict[str, float]:
        """Return the learning rates that are not `lr`, as shares of it, by parameter."""
        return {}

    def norms(self) -> dict[str, float]:
        """Return the 2-norm of each kind of parameter, such as `norm_lora_B`."""
        kinds: defaultdict[str, list[Tensor]] = defaultdict(list)
        for name, parameter in self.parameters().items():
            kinds[name.removesuffix(".weight").rpartition(".")[2]].append(parameter.detach())
        norms = {kind: torch._foreach_norm(tensors) for kind, tensors in kinds.items()}
        return {f"norm_{kind}": torch.stack(n).norm().item() for kind, n in norms.items()}

    def advance(self, step: int, gradients: Gradients) -> str:
        """Pass on to the next phase where one begins after so many updates.

        Returns which other parameters are trained from here on; nothing where they are the same.
        """
        return ""

    def merge(self) -> Transformer:
        """Return a model of plain weights that computes the same; this one stays as it is.

        Raises:
            ValueError: the strategy adds what no weight of the model can hold.
        """
        if not adapter_named(self.config.strategy).mergeable:
            raise ValueError(
                f"strategy '{self.config.strategy}' cannot be merged: it adds parts to the model, "
                "not only to its matrices; load the adapter on its backbone instead"
            )
        merged = copy.deepcopy(self.model)
        for name, module in list(merged.named_modules()):
            if isinstance(module, AdaptedLinear):
                merged.set_submodule(name, module.merged())
        return merged.requires_grad_(False)

    def matrices(self, targets: str, ffn: bool) -> list[str]:
        """Return the names of the linear maps of the adapted layers, layer by layer."""
        names = [f"attn.{TARGETS[letter]}" for letter in targets]
        names += _FEED_FORWARD if ffn else ()
        return [f"layers.{index}.{name}" for index in self.layers for name in names]

    def replace(self, name: str, made: Callable[[Any], nn.Module]) -> None:
        """Put what is made of the module of that name in its place."""
        self.model.set_submodule(name, made(self.model.get_submodule(name)))
