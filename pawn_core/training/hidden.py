"""The hidden states of a batch, computed in the form that is fastest where it runs.

Shapes: b batch, t time, n supervised positions, d width.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.data.sequences import Batch, Rows
from pawn_core.model import Transformer
from pawn_core.model.attention import Packed
from pawn_core.model.language_model import LanguageModel
from pawn_core.model.sizes import rounded
from pawn_core.model.spans import GameSpans
from pawn_core.runtime import Runtime

Hidden = Callable[[Batch], tuple[Tensor, Tensor | None]]
"""Returns hidden states, and which of them are those of the supervised positions: None means all,
in order.
"""


def build_hidden(model: Transformer, runtime: Runtime, *, fixed_shapes: bool = False) -> Hidden:
    """Return what computes a batch's hidden states.

    Uncompiled on a CPU, games lie one after the other in any batching: no padding is computed.
    """
    if skips_padding(runtime):
        return lambda batch: (_of_games(model, batch), None)
    mask_of = runtime.mask_maker(model.head_channels)
    hidden_of = model.forward_hidden
    if runtime.compiled:
        hidden_of = compiled_hidden(model, runtime, fixed_shapes=fixed_shapes)

    def hidden(batch: Batch) -> tuple[Tensor, Tensor]:
        hidden_btd = hidden_of(batch.tokens_bt, _packed(batch, mask_of))
        return hidden_btd.flatten(0, 1), batch.positions_n

    return hidden


def skips_padding(runtime: Runtime) -> bool:
    """Return whether games are computed one after the other, which waits for their lengths."""
    return not runtime.compiled and runtime.device.type == "cpu"


def compiled_hidden(
    model: LanguageModel, runtime: Runtime, *, fixed_shapes: bool = False
) -> Callable[[Tensor, Packed | None], Tensor]:
    """Return `model.forward_hidden`, compiled.

    One function of a layer is compiled and computes all layers that are alike: compilation takes
    as long for any number of them. With fixed shapes, one such function for each shape.
    """
    dynamic = False if fixed_shapes else None
    if runtime.whole_graph:
        return runtime.compile(model.forward_hidden, dynamic=dynamic)
    begin = runtime.compile(model.begin, dynamic=dynamic)
    through = runtime.compile(_through_layer, dynamic=dynamic)
    end = runtime.compile(model.end, dynamic=dynamic)

    def hidden(tokens_bt: Tensor, packed: Packed | None) -> Tensor:
        x_btd, *common = begin(tokens_bt, packed)
        for layer in model.blocks:
            x_btd = through(layer, packed, x_btd, *common)
        return end(x_btd)

    return hidden


def _through_layer(
    layer: nn.Module, packed: Packed | None, x_btd: Tensor, *common: Tensor
) -> Tensor:
    return layer(x_btd, *common, packed=packed)


def _of_games(model: Transformer, batch: Batch) -> Tensor:
    """Return (n, d): supervised positions are all tokens of a game, game by game.

    Fillers round their number up.
    """
    width, n = batch.tokens_bt.shape[1], len(batch.positions_n)
    positions = F.pad(batch.positions_n, (0, rounded(n) - n))
    times = batch.rows.times_bt.flatten()[positions] if batch.rows else positions % width
    begins = (times[:n] == 0).nonzero().flatten().tolist()
    spans = GameSpans([end - begin for begin, end in pairwise([*begins, n])])
    tokens = batch.tokens_bt.flatten()[positions]
    return model.hidden_at(tokens[None], None, Packed(times[None], spans))[:n]


def _packed(batch: Batch, mask_of: Callable[[Rows], Any]) -> Packed | None:
    return Packed(batch.rows.times_bt, mask_of(batch.rows)) if batch.rows else None
