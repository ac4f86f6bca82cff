"""Models whose play is known: they answer from the rules, not from weights."""

from pathlib import Path
from typing import Any

import chess_engine
import numpy as np
import torch
from chess_engine import Vocabulary
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.boards import Boards
from pawn_core.config import Architecture
from pawn_core.config.eval import EvalConfig
from pawn_core.evaluation.evaluation import Context
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec

NO_LAYERS = Architecture(d_model=1, n_layers=0, n_heads=1, d_ff=1)


class OneHotBoard(nn.Module):
    """A model whose hidden state is the board after the move that it has read."""

    def residuals_at(self, tokens_bt: Tensor, positions_n: Tensor) -> Tensor:
        states = chess_engine.extract_board_states(tokens_bt.numpy().astype(np.int16))
        pieces_n = torch.from_numpy(states.after.pieces).flatten(0, 1)[positions_n].long()
        return F.one_hot(pieces_n, 13).flatten(1).float()[None]


class Memory:
    """Stands for a cache: the boards that the tokens have led to."""

    def __init__(self, boards: Boards) -> None:
        self.boards = boards
        self.length = 0


class KnownPlayer(nn.Module):
    """Plays uniformly over the legal tokens, or over the whole vocabulary."""

    def __init__(self, vocabulary: Vocabulary, max_seq_len: int, prefixed: bool, legal: bool):
        super().__init__()
        self.max_seq_len, self.vocabulary = max_seq_len, vocabulary
        self.prefixed, self.legal = prefixed, legal
        self.lm_head = nn.Linear(1, vocabulary.size, bias=False)

    def new_cache(self, batch: int) -> Memory:
        return Memory(Boards(batch, self.max_seq_len - self.prefixed, self.vocabulary))

    def forward_next(self, tokens_bt: Tensor, cache: Memory) -> Tensor:
        for t in range(tokens_bt.shape[1]):
            if cache.length >= self.prefixed:
                cache.boards.play(tokens_bt[:, t].numpy())
            cache.length += 1
        legal_bv = torch.from_numpy(cache.boards.legal_bv())
        logits_bv = torch.zeros(legal_bv.shape)
        return logits_bv.masked_fill(~legal_bv, -torch.inf) if self.legal else logits_bv

    def forward_at(self, tokens_bt: Tensor, positions_n: Tensor) -> Tensor:
        memory = self.new_cache(len(tokens_bt))
        columns = (tokens_bt[:, t : t + 1] for t in range(tokens_bt.shape[1]))
        logits_btv = torch.stack([self.forward_next(column, memory) for column in columns], dim=1)
        return logits_btv.flatten(0, 1)[positions_n]


def known_player(
    *, legal: bool, vocabulary: str = "searchless", prefixed: bool = False, width: int = 512
) -> Pretrained:
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    model = KnownPlayer(tokens, width, prefixed, legal).eval()
    spec = ModelSpec(NO_LAYERS, vocabulary, width, prefixed)
    return Pretrained(model, tokens, spec)  # type: ignore[arg-type]


def context_of(pretrained: Pretrained, folder: Path, **fields: Any) -> Context:
    """Return what an evaluation of a model may use."""
    config = EvalConfig.model_validate({"weights": "known", "device": "cpu"} | fields)
    runtime = Runtime(torch.device("cpu"), None, compiled=False)
    return Context(pretrained, config, runtime, StopFlag(), {}, folder)
