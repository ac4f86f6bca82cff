"""A model beside the ceiling of its own positions: known players, both layouts, pausing."""

from pathlib import Path

import pytest
import torch
from known_players import context_of, known_player

from pawn_core.data.distribution import legal_sets
from pawn_core.data.games import GameSource
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.positions.ceiling import Ceiling
from pawn_core.evaluation.report import Figure, Report

FIELDS = {"evals": ("ceiling",), "games": 40, "shard_games": 16, "games_seed": 9}
FIELDS |= {"ceiling_rollouts": 8, "ceiling_sample_rate": 0.05}


def ceiling_context(folder: Path, *, legal: bool, prefixed: bool, **fields) -> Context:
    player = known_player(legal=legal, prefixed=prefixed, width=60 + prefixed)
    return context_of(player, folder, **(FIELDS | fields))


def evaluate(context: Context) -> Ceiling:
    ceiling = Ceiling(context)
    for shard in range(context.config.length):
        ceiling.run(shard)
    return ceiling


def figures(report: Report) -> dict[str, Figure]:
    return {figure.name: figure for figure in report.figures}


def test_a_player_of_the_legal_law_has_all_of_its_ceiling(tmp_path: Path) -> None:
    report = evaluate(ceiling_context(tmp_path, legal=True, prefixed=False)).report()
    by_name = figures(report)
    assert by_name["share"].value == by_name["share"].low == pytest.approx(1.0, abs=1e-12)
    assert by_name["top1_exact"].value == pytest.approx(by_name["bound"].value, rel=1e-12)
    assert by_name["top1"].low < by_name["bound"].value < by_name["top1"].high
    assert report.facts["rollouts"] == 0, "no outcome is told, so none is worth anything"


@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_the_bound_is_that_of_the_positions_that_the_model_is_measured_on(
    tmp_path: Path, prefixed: bool
) -> None:
    report = evaluate(ceiling_context(tmp_path, legal=False, prefixed=prefixed)).report()
    layout = "prefixed" if prefixed else "pure"
    source = GameSource(9, 60, 0.0, False, "searchless", layout)
    bounds_n = legal_sets(source.sequences(0, 40, legal_moves=True)).top1_bound()
    bound = figures(report)["bound"]
    assert bound.value == pytest.approx(bounds_n.mean(), rel=1e-12)
    assert bound.n == report.facts["positions"] == len(bounds_n)
    assert report.facts["layout"] == layout


def test_a_player_of_any_token_has_next_to_nothing_of_its_ceiling(tmp_path: Path) -> None:
    """It says a1b1, token 0, which is seldom legal, and never PAD."""
    by_name = figures(evaluate(ceiling_context(tmp_path, legal=False, prefixed=False)).report())
    assert by_name["share"].value < 0.1


def test_knowing_the_outcome_is_worth_something_that_rollouts_enclose(tmp_path: Path) -> None:
    context = ceiling_context(tmp_path, legal=True, prefixed=True)
    report = evaluate(context).report()
    by_name = figures(report)
    assert by_name["bound_lower"].value < by_name["bound_upper"].value
    assert by_name["bound"].value < by_name["bound_upper"].value
    assert report.facts["sampled"] > 20
    assert by_name["share"].value == pytest.approx(
        by_name["top1"].value / by_name["bound_upper"].value, rel=1e-12
    )
    (table,) = report.tables
    assert {row[:2] for row in table.rows} >= {("moves", "mc_lower"), ("pure", "unconditional")}


@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_what_was_computed_before_a_pause_goes_on_bitwise(tmp_path: Path, prefixed: bool) -> None:
    context = ceiling_context(tmp_path, legal=True, prefixed=prefixed)
    assert context.config.length == 3
    whole = evaluate(context)
    first, second = Ceiling(context), Ceiling(context)
    first.run(0)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    second.run(1)
    second.run(2)
    for name, tensor in whole.state().items():
        assert torch.equal(second.state()[name], tensor)
    assert second.report() == whole.report()
