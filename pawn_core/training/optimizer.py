"""AdamW over one fused kernel call (Loshchilov & Hutter, 2019, arXiv 1711.05101).

`torch.optim` is not used: constructing any of its optimizers imports the whole compiler
(`torch._dynamo`, 5 s on one core), also where nothing is compiled. The update is torch's own fused
kernel, so the numbers are those of `torch.optim.AdamW(fused=True)`.
"""

from typing import Any

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.95)
EPS = 1e-8


class AdamW:
    """Decoupled weight decay on matrices; norms and embeddings are never decayed."""

    def __init__(self, model: nn.Module, lr: float, weight_decay: float) -> None:
        named = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._names = list(named)
        self._parameters = list(named.values())
        self._exp_avg = [torch.zeros_like(p) for p in self._parameters]
        self._exp_avg_sq = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]
        self.param_groups: list[dict[str, Any]] = [
            self._group(lr, weight_decay, decayed=True),
            self._group(lr, 0.0, decayed=False),
        ]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Every parameter that is updated."""
        return self._parameters

    @torch.no_grad()
    def step(self) -> None:
        """Apply one update from the gradients."""
        for group in self.param_groups:
            self._update(group)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next update on."""
        for group in self.param_groups:
            group["lr"] = lr

    def state_dict(self) -> dict[str, Tensor]:
        """Return the moments and step counts, flat: `<parameter name>.exp_avg` and so on."""
        return {
            f"{name}.{kind}": tensor
            for kind, tensors in self._state().items()
            for name, tensor in zip(self._names, tensors, strict=True)
        }

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

    def _group(self, lr: float, weight_decay: float, *, decayed: bool) -> dict[str, Any]:
        named = zip(self._names, self._parameters, strict=True)
        indices = [i for i, (name, p) in enumerate(named) if is_decayed(name, p) == decayed]
        parameters = [self._parameters[i] for i in indices]
        return {"params": parameters, "indices": indices, "lr": lr, "weight_decay": weight_decay}

    def _state(self) -> dict[str, list[Tensor]]:
        return {"exp_avg": self._exp_avg, "exp_avg_sq": self._exp_avg_sq, "step": self._steps}

    def _update(self, group: dict[str, Any]) -> None:
        indices = [i for i in group["indices"] if self._parameters[i].grad is not None]
        steps = [self._steps[i] for i in indices]
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            [self._parameters[i] for i in indices],
            [self._parameters[i].grad for i in indices],
            [self._exp_avg[i] for i in indices],
            [self._exp_avg_sq[i] for i in indices],
            [],
            steps,
            lr=group["lr"],
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=group["weight_decay"],
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )


def is_decayed(name: str, parameter: Tensor) -> bool:
    """Tell whether weight decay applies: to matrices, embeddings excepted."""
    return parameter.dim() > 1 and not name.startswith("embed.")
