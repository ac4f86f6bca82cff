"""What a model makes of the completions of a batch, in the form that is fastest where it runs.

Shapes: b rows, t time, n supervised positions, d width, v vocabulary.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.data.sequences import Batch
from pawn_core.model import LanguageModel
from pawn_core.model.attention import Packed
from pawn_core.model.sizes import rounded
from pawn_core.model.spans import GameSpans


def hidden_states(model: LanguageModel, batch: Batch) -> Tensor:
    """Return the hidden states (n, d) at a text batch's supervised positions.

    On a CPU texts lie one after the other in one row, with a few fillers behind that round the
    number of tokens up. Elsewhere padding is behind each text, where causal attention does not see
    it.

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
    lengths_b = text_lengths(batch)
    times = torch.arange(width)
    of_text_bt = times < lengths_b[:, None]
    begins_b = lengths_b.cumsum(0) - lengths_b
    row_n, time_n = batch.positions_n // width, batch.positions_n % width
    times_1t, tokens_1t, positions_n = (
        _filled_up(values)
        for values in (
            times.expand_as(of_text_bt)[of_text_bt][None],
            batch.tokens_bt[of_text_bt][None],
            begins_b[row_n] + time_n,
        )
    )
    packed = Packed(times_1t, GameSpans(lengths_b.tolist()))
    return model.hidden_at(tokens_1t, positions_n, packed)


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
