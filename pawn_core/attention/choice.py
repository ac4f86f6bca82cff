"""Which way of attention a run takes: the first of them that works on its device.

A way that has limits says so; one that has none here is tried on a few games before it is used,
forward and backward, against attention written out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pawn_core.attention.fused import WIDEST_HEAD, WIDTH_STEP, attend_sequences
from pawn_core.attention.masks import BLOCK, PackedRows, Sequences, block_mask, dense_mask

SMALLEST_HEAD = 16
"""Channels of a head that flex attention needs at least."""
USUAL_HEAD = 64
"""Channels of a head where nothing says how many."""
TOLERANCE = 0.03
"""Most difference from attention written out, of the largest value there; bfloat16 has 1/256."""

_HEADS = 2
_REASON = 160  # characters of an error; some have thousands
_LENGTHS = ((1, 37, 128, 90), (130, 126))  # two blocks a row


class Situation(NamedTuple):
    """Where attention is computed, and how."""

    device: torch.device
    dtype: torch.dtype | None
    """What is computed in under autocast; None: float32."""
    compiled: bool
    head_channels: int = USUAL_HEAD


class Way(NamedTuple):
    """A way of attention in packed rows."""

    name: str
    limit: Callable[[Situation], str | None]
    """Returns why it is known not to work there."""
    mask: Callable[[PackedRows], Any]
    attend: Callable[[Tensor, Tensor, Tensor, Any], Tensor]
    skips: bool = True
    """Whether it computes little of what no query sees; else packed rows cost more than they
    save."""


@dataclass(frozen=True)
class ChosenWay:
    """A way by its name, and why each better one was not taken."""

    name: str
    refused: dict[str, str] = field(default_factory=dict)


class _TrialRows(NamedTuple):
    games_bt: Tensor
    begins_r: Tensor
    longest: int


def _fused_limit(situation: Situation) -> str | None:
    if situation.dtype not in (torch.bfloat16, torch.float16):
        return "it computes in 16 bits only"
    if situation.head_channels % WIDTH_STEP or situation.head_channels > WIDEST_HEAD:
        allowed = f"a multiple of {WIDTH_STEP} up to {WIDEST_HEAD}"
        return f"a head has {situation.head_channels} channels; allowed: {allowed}"
    return None


def _flex_limit(situation: Situation) -> str | None:
    if not situation.compiled:
        return "it needs compiling"
    if situation.head_channels < SMALLEST_HEAD:
        return f"a head has {situation.head_channels} channels; allowed: {SMALLEST_HEAD} or more"
    return None


def _attend_blocks(q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor, mask: Any) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)(q_bhtk, k_bhtk, v_bhtk, block_mask=mask)


def _attend_densely(q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor, mask: Tensor) -> Tensor:
    shares = (q_bhtk @ k_bhtk.mT * q_bhtk.shape[-1] ** -0.5).masked_fill(~mask, -torch.inf)
    return shares.softmax(-1) @ v_bhtk


def _sequences(kernel: str, rows: PackedRows) -> Sequences:
    return Sequences(rows.begins_r, rows.longest, kernel)


WAYS = (
    Way("varlen", _fused_limit, partial(_sequences, "varlen"), attend_sequences),
    Way("flash", _fused_limit, partial(_sequences, "flash"), attend_sequences),
    Way("flex", _flex_limit, lambda rows: block_mask(rows.games_bt), _attend_blocks),
    Way("dense", lambda _: None, lambda rows: dense_mask(rows.games_bt), _attend_densely, False),
)
"""The fastest first. `varlen` is the kernel that torch prefers, `flash` always the same one."""

NAMES = tuple(way.name for way in WAYS)


def choose(situations: Iterable[Situation], wanted: str = "auto") -> ChosenWay:
    """Return the first way that works in all situations; one that is wanted, or none before it.

    Raises:
        ValueError: the wanted one does not work.
    """
    situations, refused = tuple(situations), {}
    for way in WAYS:
        if wanted not in ("auto", way.name):
            continue
        why = next(_refusals(way, situations), None)
        if why is None:
            return ChosenWay(way.name, refused)
        refused[way.name] = why
    why = f"attention {wanted!r} does not work here: {refused[wanted]}"
    raise ValueError(f"{why}; allowed: 'auto', the first that works")


def mask_maker(name: str, situation: Situation) -> Callable[[PackedRows], Any]:
    """Return what makes the mask of a way, or of the first one after it that a model fits.

    A name that is none of a way's makes dense masks.
    """
    of_name = NAMES.index(name) if name in NAMES else -1
    return next(way.mask for way in WAYS[of_name:] if way.limit(situation) is None)


def skips(name: str) -> bool:
    """Return whether a way computes little of what no query sees."""
    return any(way.skips for way in WAYS if way.name == name)


def _refusals(way: Way, situations: Iterable[Situation]) -> Iterator[str]:
    for situation in situations:
        why = way.limit(situation) or (trial(way, situation) if way.skips else None)
        if why is not None:
            yield why


@cache
def trial(way: Way, situation: Situation) -> str | None:
    """Compute a few games forward and backward; return what is wrong, or None.

    Takes well below a second, but for what has to be compiled.

    Raises:
        RuntimeError: nothing can be computed on the device any more.
    """
    try:
        return _difference(way, situation)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:_REASON]
        _check_device(situation.device, f"attention {way.name!r} broke the device ({reason})")
        return reason


def _difference(way: Way, situation: Situation) -> str | None:
    generator = torch.Generator().manual_seed(0)
    rows = _trial_rows(situation.device)
    shape = (len(_LENGTHS), 2 * BLOCK, _HEADS, situation.head_channels)
    dtype = situation.dtype or torch.float32
    drawn = [torch.randn(shape, generator=generator).to(situation.device, dtype) for _ in range(4)]
    found = _results(way.attend, drawn, way.mask(rows))
    right = _results(_attend_densely, [x.float() for x in drawn], dense_mask(rows.games_bt))
    names = ("mix", "gradient of q", "gradient of k", "gradient of v")
    for name, ours, theirs in zip(names, found, right, strict=True):
        part = float((ours - theirs).abs().max() / theirs.abs().max())
        if not part <= TOLERANCE:
            return f"its {name} is off by {part:.1%} of the largest value"
    return None


def _check_device(device: torch.device, what: str) -> None:
    """Raise what a user can do where a kernel has left the device in a state that stays."""
    try:
        torch.zeros(1, device=device).item()
    except Exception as error:
        others = ", ".join(repr(name) for name in NAMES)
        raise RuntimeError(f"{what}; start again with another attention: {others}") from error


@torch.enable_grad()
def _results(attend: Callable[..., Tensor], drawn: list[Tensor], mask: Any) -> tuple[Tensor, ...]:
    """Return the mix and the gradients of q, k and v, float32; the last drawn is the mix's own.

    They lie in memory as in a model: values may be a part of one product with queries and keys.
    """
    q, k, v, grad_bthk = drawn
    v = torch.stack((q, k, v), dim=2)[:, :, 2]
    q_k_v = [x_bthk.detach().requires_grad_() for x_bthk in (q, k, v)]
    mixed_bthk = attend(*(x_bthk.transpose(1, 2) for x_bthk in q_k_v), mask).transpose(1, 2)
    gradients = torch.autograd.grad(mixed_bthk, q_k_v, grad_bthk)
    return tuple(x.detach().float() for x in (mixed_bthk, *gradients))


def _trial_rows(device: torch.device) -> _TrialRows:
    """Return rows with games of odd lengths."""
    games_bt = torch.stack([torch.repeat_interleave(torch.tensor(row)) for row in _LENGTHS])
    in_all = [0, *(length for row in _LENGTHS for length in row)]
    begins_r = torch.tensor(in_all).cumsum(0).int()
    return _TrialRows(games_bt.int().to(device), begins_r.to(device), 2 * BLOCK)
