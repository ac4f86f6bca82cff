"""Factored token embedding: a move is its source square, destination square and promotion.

Shapes: b batch, t time, d width, v vocabulary.
"""

import torch
from chess_engine import Vocabulary
from torch import Tensor, nn
from torch.nn import functional as F

SQUARES = 64
PROMOTIONS = 5  # none, q, r, b, n


class FactoredEmbedding(nn.Module):
    """Embed moves as `src[s] + dst[d] + promo[p]`; PAD and each outcome have their own vector."""

    def __init__(self, vocabulary: Vocabulary, d_model: int) -> None:
        super().__init__()
        self.src_embed = nn.Embedding(SQUARES, d_model)
        self.dst_embed = nn.Embedding(SQUARES, d_model)
        self.promo_embed = nn.Embedding(PROMOTIONS, d_model)
        self.outcome_embed = nn.Embedding(len(vocabulary.outcomes), d_model)
        self.pad_embed = nn.Parameter(torch.zeros(d_model))
        self._register_parts(vocabulary)

    def _register_parts(self, vocabulary: Vocabulary) -> None:
        source = torch.from_numpy(vocabulary.source.astype("int64"))
        moves = (source >= 0).nonzero().squeeze(1)
        parts = (source, *map(torch.from_numpy, (vocabulary.destination, vocabulary.promotion)))
        for name, part in zip(("source", "destination", "promotion"), parts, strict=True):
            self.register_buffer(name, part[moves].long(), persistent=False)
        row_of_token = torch.empty(vocabulary.size, dtype=torch.int64)
        row_of_token[moves] = torch.arange(len(moves))
        row_of_token[vocabulary.pad] = len(moves)
        for row, token in enumerate(sorted(vocabulary.outcomes.values())):
            row_of_token[token] = len(moves) + 1 + row
        self.register_buffer("row_of_token", row_of_token, persistent=False)

    def forward(self, tokens_bt: Tensor) -> Tensor:
        """Return the vectors of token ids (b, t) as (b, t, d)."""
        return F.embedding(self.get_buffer("row_of_token")[tokens_bt], self._table())

    def _table(self) -> Tensor:
        """Compose every token's vector once: one gather a token instead of three."""
        moves = (
            self.src_embed(self.get_buffer("source"))
            + self.dst_embed(self.get_buffer("destination"))
            + self.promo_embed(self.get_buffer("promotion"))
        )
        return torch.cat((moves, self.pad_embed[None], self.outcome_embed.weight))
