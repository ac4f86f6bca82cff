"""Rows of a prompt and its completion, of which the completion is learned.

Shapes: b rows, t time, n supervised positions.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pawn_core.data.sequences import Batch, pairs_of, ranges

Ids = Sequence[int] | NDArray[np.int64]

Row = tuple[Ids, Ids]
"""Ids of a prompt, and of its completion with the end token where it ended."""


def text_batch(rows: Sequence[Row], pad: int, *, with_prompts: bool = False) -> Batch:
    """Return rows as a batch: a row a text, supervised at each token of its completion.

    The input is a row without its last token. Supervised positions come row by row, those of a row
    in order, the end token's among them. With `with_prompts` the prompt's tokens are supervised
    too, all but the first, which nothing predicts.

    Raises:
        ValueError: a prompt or a completion is empty.
    """
    for index, (prompt, completion) in enumerate(rows):
        if not len(prompt) or not len(completion):
            raise ValueError(
                f"row {index} has a prompt of {len(prompt)} tokens and a completion of "
                f"{len(completion)}; allowed: 1 or more each"
            )
    texts = [np.concatenate((p, c)).astype(np.int64) for p, c in rows]
    lengths = np.array([len(text) - 1 for text in texts], dtype=np.int64)
    width = int(lengths.max(initial=0))
    tokens_bt = np.full((len(rows), width), pad, dtype=np.int64)
    for row, text in zip(tokens_bt, texts, strict=True):
        row[: len(text) - 1] = text[:-1]
    counts = lengths if with_prompts else np.array([len(c) for _, c in rows], dtype=np.int64)
    begins = np.arange(len(rows)) * width + lengths - counts
    targets = [text[len(text) - count :] for text, count in zip(texts, counts, strict=True)]
    return Batch(
        tokens_bt=torch.from_numpy(tokens_bt),
        positions_n=torch.from_numpy(ranges(begins, counts)),
        targets_n=torch.from_numpy(np.concatenate(targets)),
        games=len(rows),
        attended_pairs=pairs_of(lengths),
    )
