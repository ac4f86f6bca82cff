"""Which parameter is updated by which rule, and what a checkpoint keeps of it."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pawn_core.config import TrainingConfig
from pawn_core.runtime import Runtime
from pawn_core.training.rules import AdamW, Muon, Number, Rule


class Optimizer:
    """Rules that move all parameters of a model together."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self.lr: Number = 0.0
        """Learning rate of the next update."""

    @property
    def parameters(self) -> list[Tensor]:
        """Every parameter that is updated."""
        return [p for rule in self._rules for p in rule.parameters]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Return the parameters as torch's gradient scaler looks for them."""
        return [{"params": self.parameters}]

    @torch.no_grad()
    def step(self) -> None:
        """Apply one update from the gradients."""
        for rule in self._rules:
            rule.update(self.lr)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of all rules, flat: `<parameter name>.exp_avg` and so on."""
        return {name: tensor for rule in self._rules for name, tensor in rule.state().items()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            ValueError: a name is missing, unexpected, or has another shape.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            odd = sorted(own.keys() ^ state.keys())
            raise ValueError(f"optimizer state does not belong to this model: {odd[0]}")
        for name, tensor in own.items():
            if tensor.shape != state[name].shape:
                raise ValueError(
                    f"optimizer state {name} has shape {list(state[name].shape)}, "
                    f"the model needs {list(tensor.shape)}"
                )
            tensor.copy_(state[name])

    @torch.no_grad()
    def take_over(self, other: "Optimizer") -> None:
        """Go on with another's state of the parameters that both have, by name."""
        state = other.state_dict()
        for name, tensor in self.state_dict().items():
            if name in state:
                tensor.copy_(state[name])


def build_optimizer(
    named: Mapping[str, Tensor],
    config: TrainingConfig,
    runtime: Runtime,
    lr_ratios: Mapping[str, float] | None = None,
) -> Optimizer:
    """Return the config's optimizer over parameters by their names in the model.

    Norms, embeddings and the biases of GPT-2 are never decayed. With Muon, the matrices inside the
    layers are Muon's; the head, the embeddings and the norms stay AdamW's. Muon's products are in
    bfloat16 on a GPU and wherever the run is; all state is in float32. `lr_ratios`: of some
    parameters, how many times the run's learning rate theirs is.
    """
    lr_ratios = lr_ratios or {}
    muon = config.optimizer == "muon"
    hidden = {n: p for n, p in named.items() if muon and _is_hidden_matrix(n, p)}
    groups: dict[tuple[float, float], dict[str, Tensor]] = {}
    for name in (name for name in named if name not in hidden):
        group = lr_ratios.get(name, 1.0), config.weight_decay if _is_decayed(name) else 0.0
        groups.setdefault(group, {})[name] = named[name]
    rules: list[Rule] = [
        AdamW(group, weight_decay, lr_ratio) for (lr_ratio, weight_decay), group in groups.items()
    ]
    if hidden:
        in_bfloat16 = runtime.device.type == "cuda" or runtime.amp_dtype is torch.bfloat16
        dtype = torch.bfloat16 if in_bfloat16 else torch.float32
        rules.append(Muon(hidden, config.weight_decay, dtype))
    return Optimizer(rules)


_UNDECAYED = re.compile(r"(embed|wte|wpe)\..*|.*norm.*|(.*\.)?ln_.*|h\..*\.bias")
"""Names of embeddings and norms, and of GPT-2's biases, which lie in `h`."""
_LAYERS = ("layers.", "h.")


def _is_decayed(name: str) -> bool:
    return _UNDECAYED.fullmatch(name) is None


def _is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    return name.startswith(_LAYERS) and parameter.dim() > 1
