"""What is said of single positions, against loops and the analytic values of known laws."""

import math

import numpy as np
import pytest
import torch
from chess_engine import export_move_vocabulary

from pawn_core.validation.positions import (
    NextTokens,
    joined,
    measure,
    measure_targets,
    move_tokens,
)

VOCABULARY = export_move_vocabulary()
SETS = NextTokens(np.array([0, 2, 3, 6]), np.array([3, 7, VOCABULARY.pad, 0, 5, 9], np.int16))


def test_every_measure_equals_the_loop() -> None:
    generator = torch.Generator().manual_seed(11)
    logits = 3 * torch.randn(3, VOCABULARY.size, generator=generator, dtype=torch.float64)
    logits[0, 3] = logits[0].max() + 1
    targets = torch.tensor([7, VOCABULARY.pad, 5])
    measures = measure(logits, SETS, move_tokens(VOCABULARY))
    of_targets = measure_targets(logits, SETS, targets)
    for n, p in enumerate(logits.softmax(dim=1).tolist()):
        row = SETS.tokens_e[SETS.offsets_n[n] : SETS.offsets_n[n + 1]].tolist()
        q, target = 1 / len(row), int(targets[n])
        assert measures.legal_mass_n[n] == pytest.approx(sum(p[token] for token in row))
        assert measures.legal_n[n] == (max(range(len(p)), key=p.__getitem__) in row)
        assert measures.kl_n[n] == pytest.approx(sum(q * math.log(q / p[token]) for token in row))
        moves = sum(x for x, move in zip(p, VOCABULARY.moves, strict=True) if move)
        assert measures.move_mass_n[n] == pytest.approx(moves)
        assert of_targets.loss_n[n] == pytest.approx(-math.log(p[target]))
        assert of_targets.rank_n[n] == sum(x > p[target] for x in p)
        assert of_targets.legal_rank_n[n] == sum(p[token] > p[target] for token in row)
    assert measures.legal_n[0] == 1


def test_equally_likely_tokens_are_ranked_by_number_so_that_one_is_first() -> None:
    ranks = measure_targets(torch.zeros(3, 12), SETS_OF_TWELVE, torch.tensor([7, 11, 5]))
    assert ranks.rank_n.tolist() == [7, 11, 5]
    assert ranks.legal_rank_n.tolist() == [1, 0, 1]


SETS_OF_TWELVE = NextTokens(SETS.offsets_n, np.array([3, 7, 11, 0, 5, 9], np.int16))


def test_a_model_that_rules_out_a_legal_move_diverges_without_end() -> None:
    logits = torch.zeros(3, 12)
    logits[0, 7] = -torch.inf
    kl = measure(logits, SETS_OF_TWELVE, torch.ones(12, dtype=torch.bool)).kl_n
    assert kl.tolist() == [math.inf, pytest.approx(math.log(12)), pytest.approx(math.log(12 / 3))]


def test_chosen_and_joined_positions_keep_their_sets() -> None:
    again = joined([SETS.take(np.array([2, 0])), SETS.take(np.array([], dtype=int))])
    assert again.offsets_n.tolist() == [0, 3, 5]
    assert again.tokens_e.tolist() == [0, 5, 9, 3, 7]


def test_many_positions_are_measured_as_few_are() -> None:
    """More than are computed at once."""
    rows = np.resize(np.arange(3), 2500)
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(2500, 12, generator=generator)
    is_move = torch.ones(12, dtype=torch.bool)
    whole = measure(logits, SETS_OF_TWELVE.take(rows), is_move)
    for n in (0, 1023, 1024, 2499):
        alone = measure(logits[n : n + 1], SETS_OF_TWELVE.take(rows[n : n + 1]), is_move)
        assert [float(column[n]) for column in whole] == [float(column[0]) for column in alone]
