"""What reads a hidden state: a linear map, or one hidden layer, for all states and probes at once.

Shapes: s states, n positions, d width, h hidden units, w numbers that a probe puts out, o outputs
(squares, rights, pieces) of a probe, c classes.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.evaluation.probes.registry import Probe

_LEAST_P = 1e-30  # a loss is finite


class LinearHeads(nn.Module):
    """A linear map from each state to the outputs of each probe; no two share a number."""

    def __init__(self, probes: Sequence[Probe], states: int, width: int) -> None:
        super().__init__()
        self.probes = tuple(probes)
        self.weights = nn.ParameterList(torch.zeros(states, width, p.width) for p in probes)
        self.biases = nn.ParameterList(torch.zeros(states, 1, p.width) for p in probes)

    def forward(self, x_snd: Tensor) -> list[Tensor]:
        """Return what each probe puts out, (s, n, w)."""
        layers = zip(self.weights, self.biases, strict=True)
        return [torch.baddbmm(bias, x_snd, weight) for weight, bias in layers]


class HiddenHeads(nn.Module):
    """One hidden layer of rectified units for each state and probe; no two share a number."""

    def __init__(
        self,
        probes: Sequence[Probe],
        states: int,
        width: int,
        units: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.probes, self.units = tuple(probes), units

        def drawn(*shape: int) -> Tensor:
            """Draw from N(0, 2 / inputs) (He et al., 2015, arXiv 1502.01852)."""
            return torch.randn(shape, generator=generator) * (2 / shape[1]) ** 0.5

        hidden = len(probes) * units
        self.hidden_weight = nn.Parameter(drawn(states, width, hidden))
        self.hidden_bias = nn.Parameter(torch.zeros(states, 1, hidden))
        self.weights = nn.ParameterList(drawn(states, units, p.width) for p in probes)
        self.biases = nn.ParameterList(torch.zeros(states, 1, p.width) for p in probes)

    def forward(self, x_snd: Tensor) -> list[Tensor]:
        """Return what each probe puts out, (s, n, w)."""
        units_snh = torch.baddbmm(self.hidden_bias, x_snd, self.hidden_weight).relu()
        layers = zip(units_snh.split(self.units, 2), self.weights, self.biases, strict=True)
        return [torch.baddbmm(bias, units, weight) for units, weight, bias in layers]


Heads = LinearHeads | HiddenHeads


@torch.no_grad()
def loss_and_gradient(probe: Probe, out_snw: Tensor, target_no: Tensor) -> tuple[Tensor, Tensor]:
    """Return a probe's mean loss (s,) and its gradient by the outputs (s, n, w).

    Cross-entropy in nats; of a regression half the squared error. Without autograd: for the 13
    classes of 64 squares that takes several times as long.
    """
    loss_s, residual = _LOSSES[probe.kind](_by_class(probe, out_snw), target_no)
    return loss_s, residual.view_as(out_snw).div_(target_no.numel())


@torch.no_grad()
def start_at_base_rates(heads: Heads, counts_oc: Mapping[str, Tensor]) -> None:
    """Let each classification begin with its classes' rates, of each output, for every state.

    From zero, AdamW would take thousands of steps to learn how rare a class is.
    """
    for probe, bias_s1w in zip(heads.probes, heads.biases, strict=True):
        if probe.kind != "regression":
            bias_s1w.copy_(_log_rates(probe, counts_oc[probe.name]))


def _log_rates(probe: Probe, counts_oc: Tensor) -> Tensor:
    """Return the log rates of classes, or the log odds (w,), as if each had come once more."""
    log_oc = (counts_oc + 1).log()
    if probe.kind == "categorical":
        return (log_oc - log_oc.logsumexp(dim=1, keepdim=True)).T.flatten()
    return log_oc[:, 1] - log_oc[:, 0]


def _by_class(probe: Probe, out_snw: Tensor) -> Tensor:
    """Return the outputs as (s, n, o); of a categorical probe as (s, n, c, o)."""
    if probe.kind != "categorical":
        return out_snw
    return out_snw.unflatten(2, (len(probe.classes), len(probe.outputs)))


def _cross_entropy(out_snco: Tensor, target_no: Tensor) -> tuple[Tensor, Tensor]:
    p_snco = out_snco.softmax(dim=2)
    index = target_no[None, :, None].expand(len(out_snco), -1, -1, -1)
    p_target = p_snco.gather(2, index)
    p_snco.scatter_(2, index, p_target - 1)
    return -p_target.clamp(min=_LEAST_P).log().mean(dim=(1, 2, 3)), p_snco


def _binary_cross_entropy(out_sno: Tensor, target_no: Tensor) -> tuple[Tensor, Tensor]:
    target_sno = target_no.to(out_sno.dtype).expand_as(out_sno)
    losses = F.binary_cross_entropy_with_logits(out_sno, target_sno, reduction="none")
    return losses.mean(dim=(1, 2)), out_sno.sigmoid() - target_sno


def _half_squared_error(out_sno: Tensor, target_no: Tensor) -> tuple[Tensor, Tensor]:
    off_sno = out_sno - target_no
    return off_sno.square().mean(dim=(1, 2)) / 2, off_sno


_LOSSES = {
    "categorical": _cross_entropy,
    "binary": _binary_cross_entropy,
    "multi-label": _binary_cross_entropy,
    "regression": _half_squared_error,
}


def readings(heads: Heads, x_snd: Tensor) -> dict[str, Tensor]:
    """Return what each probe says (s, n, o): the likeliest class, of a regression the number."""
    outputs = zip(heads.probes, heads(x_snd), strict=True)
    return {probe.name: _reading(probe, out_snw) for probe, out_snw in outputs}


def _reading(probe: Probe, out_snw: Tensor) -> Tensor:
    if probe.kind == "regression":
        return out_snw
    if probe.kind == "categorical":
        return _by_class(probe, out_snw).argmax(dim=2)
    return (out_snw > 0).long()
