"""Let a model complete prompts: batched, with a key-value cache, each completion from its own seed.

Completions stand in a grid, a row a prompt; a prompt is computed once for all of its row. Rows and
columns in which all have ended are left out. Shapes: p prompts, w columns, b = p * w slots of the
grid, n completions, t time, v vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.language.sampling import TextSampling, Warp
from pawn_core.language.scoring import log_probs_of
from pawn_core.language.text_model import TextModel
from pawn_core.model.draws import draw, uniform_numbers
from pawn_core.model.shared_prompts import PromptCache, SharedPromptCache

_WORTH_LEAVING_OUT = 0.8
"""The grid is laid out anew once that share of it, or less, is left."""


@dataclass(frozen=True)
class Completions:
    """What a model wrote after each prompt."""

    tokens: list[NDArray[np.int64]]
    """Ids of each completion, its end token included where it ended."""
    log_probs: list[NDArray[np.float32]]
    """Log-probability of each of these tokens, nats, whatever temperature it was drawn at."""
    ended: NDArray[np.bool_]
    """(n,) whether the end token is there; otherwise a completion was cut."""
    texts: list[str]
    """Completions as text, without the end."""

    def __len__(self) -> int:
        """Return the number of completions."""
        return len(self.tokens)


@torch.inference_mode()
def complete(
    text_model: TextModel,
    prompts: Sequence[Sequence[int]],
    sampling: TextSampling | Sequence[TextSampling],
    *,
    seed: int = 0,
    numbers: Sequence[int] | None = None,
    check: Callable[[], None] | None = None,
) -> Completions:
    """Return a completion of each prompt; equal prompts are computed once.

    Args:
        prompts: ids of each completion's prompt.
        sampling: that of each completion, or of all.
        numbers: what completion i is called among those of the seed; by default its index. Under
            its number it draws the same random numbers in any batch.
        check: called before each token; what it raises ends the work.

    Raises:
        ValueError: a prompt is empty, leaves no room in the context or holds a token outside the
            vocabulary; the lists differ in length.
    """
    if isinstance(sampling, TextSampling):
        sampling = [sampling] * len(prompts)
    numbers = range(len(prompts)) if numbers is None else numbers
    if not len(prompts) == len(sampling) == len(numbers):
        raise ValueError(
            f"{len(prompts)} prompts, {len(sampling)} settings of sampling and {len(numbers)} "
            "numbers; allowed: as many of each"
        )
    _check_prompts(text_model, prompts)
    if not prompts:
        return Completions([], [], np.zeros(0, dtype=bool), [])
    most = max(each.max_new_tokens for each in sampling)
    writing = _Writing(text_model, prompts, sampling, uniform_numbers(seed, numbers, most))
    for logits_bv in writing.steps():
        if check:
            check()
        writing.write(logits_bv)
    return writing.completions()


def _check_prompts(text_model: TextModel, prompts: Sequence[Sequence[int]]) -> None:
    most, size = text_model.spec.max_seq_len, text_model.tokenizer.size
    for index, prompt in enumerate(prompts):
        if not 1 <= len(prompt) <= most:
            raise ValueError(
                f"prompts[{index}] has {len(prompt)} tokens; allowed: 1 to {most}, the context"
            )
        if not all(0 <= token < size for token in prompt):
            raise ValueError(f"prompts[{index}] has a token outside 0 to {size - 1}")


class _Writing:
    """Completions that are being written."""

    def __init__(
        self,
        text_model: TextModel,
        prompts: Sequence[Sequence[int]],
        sampling: Sequence[TextSampling],
        uniform_nt: NDArray[np.float64],
    ) -> None:
        self._model, self._tokenizer = text_model.model, text_model.tokenizer
        self._device = self._model.lm_head.weight.device
        self._warp_n = Warp.of(sampling, self._tokenizer.size, self._device)
        self._uniform_nt = torch.from_numpy(uniform_nt).to(self._device)
        room = text_model.spec.max_seq_len + 1  # the last token is written, and never read
        pairs = zip(sampling, prompts, strict=True)
        limits = [min(each.max_new_tokens, room - len(prompt)) for each, prompt in pairs]
        self._limits_n = torch.tensor(limits, device=self._device)
        n, self._most = len(prompts), max(limits)
        self._tokens_nt = torch.zeros(n + 1, self._most, dtype=torch.int64, device=self._device)
        self._log_probs_nt = torch.zeros(n + 1, self._most, device=self._device)
        self._lengths_n = torch.zeros(n + 1, dtype=torch.int64, device=self._device)
        self._ended_n = torch.zeros(n + 1, dtype=torch.bool, device=self._device)
        self._lay_out(prompts)

    def _lay_out(self, prompts: Sequence[Sequence[int]]) -> None:
        """Give each completion a slot of the grid; where a row has fewer than others, none."""
        rows: dict[tuple[int, ...], list[int]] = {}
        for index, prompt in enumerate(prompts):
            rows.setdefault(tuple(prompt), []).append(index)
        self._prompts = list(rows)
        width = max(map(len, rows.values()))
        slots = [row + row[:1] * (width - len(row)) for row in rows.values()]
        live = [[column < len(row) for column in range(width)] for row in rows.values()]
        self._slots_b = torch.tensor(slots, device=self._device).flatten()
        self._live_b = torch.tensor(live, device=self._device).flatten()
        self._width = width

    def steps(self) -> Iterator[Tensor]:
        """Yield logits (b, v) of the next token, until all completions have ended."""
        yield self._begin()
        for time in range(1, self._most):
            self._leave_out_ended()
            if not len(self._live_b):
                return
            self._time = time
            yield self._next_logits()

    def _begin(self) -> Tensor:
        """Compute the prompts; return what comes after each."""
        self._time, count = 0, len(self._prompts)
        longest, pad = max(map(len, self._prompts)), self._tokenizer.pad
        rows = [[*prompt, *[pad] * (longest - len(prompt))] for prompt in self._prompts]
        lengths_p = torch.tensor([len(prompt) for prompt in self._prompts], device=self._device)
        times_t = torch.arange(longest, device=self._device)
        cache = PromptCache()
        tokens_pt = torch.tensor(rows, device=self._device)
        hidden_ptd = self._model.hidden_next(tokens_pt, times_t, cache)
        last_pd = hidden_ptd[torch.arange(count, device=self._device), lengths_p - 1]
        self._lengths_b = lengths_p.repeat_interleave(self._width)
        self._cache = SharedPromptCache(cache, lengths_p, self._width, self._most)
        return self._model.lm_head(last_pd).repeat_interleave(self._width, dim=0)

    def _next_logits(self) -> Tensor:
        """Return what comes after the last token of each slot.

        One that has ended goes on where the context allows no more, and nobody looks.
        """
        tokens_b = self._tokens_nt[self._slots_b, self._time - 1]
        times_b = (self._lengths_b + self._time - 1).clamp(max=self._model.max_seq_len - 1)
        hidden_b1d = self._model.hidden_next(tokens_b[:, None], times_b[:, None], self._cache)
        self._cache.length += 1
        return self._model.lm_head(hidden_b1d[:, 0])

    def write(self, logits_bv: Tensor) -> None:
        """Draw the next token of each slot; note it where the completion has not ended."""
        warped_bv = self._warp_n.at(self._slots_b).apply(logits_bv)
        tokens_b = draw(warped_bv, 1.0, self._uniform_nt[self._slots_b, self._time])
        rows_b = self._slots_b.where(self._live_b, len(self._tokens_nt) - 1)
        self._tokens_nt[rows_b, self._time] = tokens_b
        self._log_probs_nt[rows_b, self._time] = log_probs_of(logits_bv, tokens_b)
        ended_b = tokens_b == self._tokenizer.end
        self._ended_n[rows_b] = ended_b
        self._lengths_n[rows_b] = self._time + 1
        self._live_b &= ~ended_b & (self._time + 1 < self._limits_n[self._slots_b])

    def _leave_out_ended(self) -> None:
        """Lay the grid out anew where that leaves enough out; wholly empty, it has no slots."""
        live_pw = self._live_b.view(-1, self._width).cpu()
        counts_p = live_pw.sum(dim=1)
        rows_p, width = counts_p.nonzero().flatten(), int(counts_p.max())
        if len(rows_p) * width > _WORTH_LEAVING_OUT * live_pw.numel():
            return
        live_first = live_pw[rows_p].byte().sort(dim=1, descending=True, stable=True).indices
        kept_b = (rows_p[:, None] * self._width + live_first[:, :width]).flatten()
        kept_b, rows_p = kept_b.to(self._device), rows_p.to(self._device)
        self._slots_b, self._live_b = self._slots_b[kept_b], self._live_b[kept_b]
        self._lengths_b, self._width = self._lengths_b[kept_b], width
        self._cache.keep(rows_p, kept_b)

    def completions(self) -> Completions:
        """Return what was written."""
        lengths, ended = self._lengths_n[:-1].tolist(), self._ended_n[:-1].cpu().numpy()
        tokens_nt = self._tokens_nt.cpu().numpy()
        log_probs_nt = self._log_probs_nt.cpu().numpy()
        tokens = [row[:length] for row, length in zip(tokens_nt, lengths, strict=False)]
        log_probs = [row[:length] for row, length in zip(log_probs_nt, lengths, strict=False)]
        written = [row[:-1] if over else row for row, over in zip(tokens, ended, strict=True)]
        texts = [self._tokenizer.decode(row.tolist()) for row in written]
        return Completions(tokens, log_probs, ended, texts)
