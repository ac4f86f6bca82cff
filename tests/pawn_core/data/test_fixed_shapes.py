"""Batches padded to shapes that many share: nothing else of them changes."""

import numpy as np
import pytest
import torch
from tiny import setup_of

from pawn_core.config import parse_config
from pawn_core.data.fixed_shapes import IGNORED, signature_of, with_fixed_shapes
from pawn_core.runtime import Runtime
from pawn_core.training.pretrain import PretrainTask

CPU = Runtime(torch.device("cpu"), None, compiled=False)
CHUNKS = [slice(0, 100), slice(100, 200), slice(200, 256)]
SPARE = 1979


def batches(raw, **fields):
    config = parse_config(raw | {"batching": "packed", "max_seq_len": 62} | fields)
    task = PretrainTask(config, setup_of(config, CPU))
    return [task.make_batch(index)[0] for index in range(4)]


@pytest.mark.parametrize("targets", ["sampled", "legal"])
def test_supervised_positions_keep_their_places_and_targets_and_come_first(tiny, targets) -> None:
    for batch in batches(tiny, targets=targets):
        fixed = with_fixed_shapes(batch, CHUNKS, SPARE)
        n = len(batch.positions_n)
        assert 0 < n == fixed.units == batch.units < 256
        assert fixed.positions_n[:n].equal(batch.positions_n)
        assert fixed.targets_n[:n].equal(batch.targets_n)
        assert sorted(fixed.positions_n.tolist()) == list(range(256))
        assert (fixed.targets_n[n:] == IGNORED).all()
        assert fixed.attended_pairs == batch.attended_pairs
        assert fixed.rows is batch.rows


def test_spare_entries_have_no_weight_and_make_all_chunks_alike(tiny) -> None:
    signatures = set()
    for batch in batches(tiny, targets="legal"):
        fixed = with_fixed_shapes(batch, CHUNKS, SPARE)
        signatures.add(signature_of(fixed))
        assert batch.exact
        assert fixed.exact
        before, after = batch.exact, fixed.exact
        assert np.array_equal(np.repeat(np.arange(256), np.diff(after.starts)), after.positions_e)
        per_position, rest = divmod(fixed.edges[1], 100)
        assert rest == 0
        assert fixed.edges == tuple(per_position * row for row in (0, 100, 200, 256))
        own = after.weights_e > 0
        assert after.tokens_e.dtype == before.tokens_e.dtype
        for kind in ("positions_e", "tokens_e", "weights_e"):
            assert getattr(after, kind)[own].equal(getattr(before, kind))
        assert (after.tokens_e[~own] == SPARE).all()
        assert set(after.positions_e[~own].tolist()) <= {99, 199, 255}
    assert len(signatures) < 4


def test_only_padded_batches_say_which_others_a_recorded_step_can_do(tiny) -> None:
    batch, other, *_ = batches(tiny)
    fixed = [with_fixed_shapes(part, CHUNKS, SPARE) for part in (batch, other)]
    assert signature_of(batch) is None
    assert signature_of(fixed[0]) == signature_of(fixed[1])
