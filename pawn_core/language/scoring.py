"""What a model makes of the completions of a batch, in the form that is fastest where it runs.

Shapes: b rows, t time, n supervised positions, d width, v vocabulary, p prompts.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from pawn_core.data.sequences import Batch, ranges
from pawn_core.model import LanguageModel
from pawn_core.model.attention import Packed
from pawn_core.model.sizes import rounded
from pawn_core.model.spans import GameSpans, PromptSpans

_WORTH_SHARING = 0.1
"""Share of a batch's tokens from which on it pays to compute repeated prompts once."""


class _Line(NamedTuple):
    """The texts of a batch one after the other, and where its supervised positions are there."""

    tokens_1t: Tensor
    packed: Packed
    positions_n: Tensor


def hidden_states(model: LanguageModel, batch: Batch) -> Tensor:
    """Return the hidden states (n, d) at a text batch's supervised positions.

    On a CPU texts lie one after the other in one row, with a few fillers behind that round the
    number of tokens up, and a prompt that several go on from is computed once. Elsewhere padding is
    behind each text, where causal attention does not see it.

    Raises:
        ValueError: a text is longer than the context.
    """
    return _hidden_filled_up(model, batch)[: len(batch.positions_n)]


def _hidden_filled_up(model: LanguageModel, batch: Batch) -> Tensor:
    """Return the hidden states, on a CPU with fillers behind them that round n up."""
    width = batch.tokens_bt.shape[1]
    if width > model.max_seq_len:
        raise ValueError(f"a row of {width} tokens is longer than the context, {model.max_seq_len}")
    if batch.tokens_bt.device.type != "cpu":
        return model.hidden_at(batch.tokens_bt, batch.positions_n)
    line = _in_line(batch)
    hidden_td = model.forward_hidden(line.tokens_1t, line.packed)[0]
    # Where several positions are one, its gradient is added up in order; that of x[n] is not.
    return F.embedding(line.positions_n, hidden_td)


def _in_line(batch: Batch) -> _Line:
    width = batch.tokens_bt.shape[1]
    row_n, time_n = np.divmod(batch.positions_n.numpy(), width)
    lengths_b = text_lengths(batch).numpy()
    prompt_b, asked_p, first_p = _prompts(batch.tokens_bt.numpy(), row_n, time_n)
    repeated = asked_p[prompt_b].sum() - asked_p.sum()
    if repeated < _WORTH_SHARING * lengths_b.sum():  # one prompt, of no token
        prompt_b, asked_p, first_p = np.zeros_like(prompt_b), np.zeros_like(asked_p[:1]), [0]
    asked_b = asked_p[prompt_b]
    begins = np.concatenate((np.multiply(first_p, width), np.arange(batch.games) * width + asked_b))
    counts = np.concatenate((asked_p, lengths_b - asked_b))
    flat_t = torch.from_numpy(ranges(begins, counts))
    starts_p, starts_b = np.split(np.cumsum(counts) - counts, [len(asked_p)])
    in_prompt_n = time_n < asked_b[row_n]
    starts_n = np.where(in_prompt_n, starts_p[prompt_b][row_n], (starts_b - asked_b)[row_n])
    times_1t, tokens_1t, positions_n = (
        _filled_up(values)
        for values in (
            flat_t[None] % width,
            batch.tokens_bt.flatten()[flat_t][None],
            torch.from_numpy(starts_n + time_n),
        )
    )
    packed = Packed(times_1t, _spans(asked_p, lengths_b - asked_b, prompt_b))
    return _Line(tokens_1t, packed, positions_n)


def _prompts(
    tokens_bt: NDArray[np.int64], row_n: NDArray[np.int64], time_n: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return which prompt each row begins with, the tokens of each, and its first row.

    A prompt goes up to a row's first supervised position.
    """
    asked_b = time_n[np.flatnonzero(np.diff(row_n, prepend=-1))] + 1
    numbers: dict[bytes, int] = {}
    rows = zip(tokens_bt, asked_b, strict=True)
    prompts = [numbers.setdefault(row[:asked].tobytes(), len(numbers)) for row, asked in rows]
    prompt_b = np.array(prompts, dtype=np.int64)
    _, first_p = np.unique(prompt_b, return_index=True)
    return prompt_b, asked_b[first_p], first_p


def _spans(
    asked_p: NDArray[np.int64], lengths_b: NDArray[np.int64], prompt_b: NDArray[np.int64]
) -> GameSpans | PromptSpans:
    """Return where prompts lie, of which each may have no token, and the texts after them."""
    goes_on_b = lengths_b > 0
    texts = GameSpans(lengths_b[goes_on_b].tolist())
    if not asked_p.any():
        return texts
    prompts = GameSpans(asked_p.tolist())
    if not texts.lengths:
        return prompts
    return PromptSpans(prompts, texts, prompt_b[goes_on_b].tolist())


def token_logits(model: LanguageModel, batch: Batch) -> Tensor:
    """Return float32 logits (n, v) at a text batch's supervised positions."""
    return model.lm_head(_hidden_filled_up(model, batch))[: len(batch.positions_n)].float()


def token_log_probs(model: LanguageModel, batch: Batch) -> Tensor:
    """Return the log-probability of each supervised token, float32 (n,), in nats."""
    return log_probs_of(token_logits(model, batch), batch.targets_n)


def log_probs_of(logits_nv: Tensor, tokens_n: Tensor) -> Tensor:
    """Return the log-probabilities (n,) of tokens under softmax(logits), in float32."""
    logits_nv = logits_nv.float()
    chosen_n = logits_nv.gather(1, tokens_n[:, None]).squeeze(1)
    return chosen_n - logits_nv.logsumexp(dim=1)


def _filled_up(values: Tensor) -> Tensor:
    """Return (.., n) with zeros behind it that round n up."""
    return F.pad(values, (0, rounded(values.shape[-1]) - values.shape[-1]))


def text_lengths(batch: Batch) -> Tensor:
    """Return the input tokens (b,) of each text: its last one is supervised."""
    width = batch.tokens_bt.shape[1]
    rows_n, ends_n = batch.positions_n // width, batch.positions_n % width + 1
    lengths_b = torch.zeros(batch.games, dtype=torch.int64, device=rows_n.device)
    return lengths_b.scatter_reduce_(0, rows_n, ends_n, "amax")
