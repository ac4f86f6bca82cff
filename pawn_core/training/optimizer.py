"""Which parameter is updated by which rule, and what a checkpoint keeps of it."""

from typing import Any

import torch
from torch import Tensor, nn

from pawn_core.config import TrainingConfig
from pawn_core.runtime import Runtime
from pawn_core.training.rules import AdamW, Muon, Named, Rule


class Optimizer:
    """Rules that move all parameters of a model together."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self.lr = 0.0
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


def build_optimizer(model: nn.Module, config: TrainingConfig, runtime: Runtime) -> Optimizer:
    """Return the config's optimizer over a model's trainable parameters.

    Norms and embeddings are never decayed. With Muon, the matrices inside the layers are Muon's;
    the head, the embeddings and the norms stay AdamW's. Muon's products are in bfloat16 on a GPU
    and wherever the run is; all state is in float32.
    """
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    decayed = {n: p for n, p in named.items() if p.dim() > 1 and not n.startswith("embed.")}
    muon = config.optimizer == "muon"
    hidden: Named = {n: p for n, p in decayed.items() if muon and n.startswith("layers.")}
    head = {n: p for n, p in decayed.items() if n not in hidden}
    rest = {n: p for n, p in named.items() if n not in decayed}
    rules: list[Rule] = [AdamW(head, config.weight_decay), AdamW(rest, 0.0)]
    if hidden:
        in_bfloat16 = runtime.device.type == "cuda" or runtime.amp_dtype is torch.bfloat16
        dtype = torch.bfloat16 if in_bfloat16 else torch.float32
        rules.append(Muon(hidden, config.weight_decay, dtype))
    return Optimizer(rules)
