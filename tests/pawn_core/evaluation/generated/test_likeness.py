"""Generated games beside random play: known players, resume, and what the figures say."""

import signal
from pathlib import Path

import pytest
import torch
from known_players import context_of, known_player

from pawn_core.config.evals import eval_named
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.generated.likeness import Likeness
from pawn_core.evaluation.report import Report
from pawn_core.signals import Interrupted

FIELDS = {"evals": ("generation",), "games": 120, "shard_games": 50, "games_seed": 9}


def likeness_context(folder: Path, *, legal: bool, prefixed: bool = False, **fields) -> Context:
    model = known_player(legal=legal, prefixed=prefixed, width=100 + prefixed)
    return context_of(model, folder, **(FIELDS | fields))


def evaluate(context: Context) -> Likeness:
    likeness = Likeness(context)
    for shard in range(context.config.length):
        likeness.run(shard)
    return likeness


def values(report: Report) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in report.figures}


@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_a_player_of_the_legal_law_is_like_random_play(tmp_path: Path, prefixed: bool) -> None:
    report = evaluate(likeness_context(tmp_path, legal=True, prefixed=prefixed)).report()
    figures = values(report)
    assert (figures["completion"], figures["end_seen"]) == (1.0, 1.0)
    for name in ("free_length_p", "free_outcome_p", "masked_length_p", "masked_outcome_p"):
        assert figures[name] > 0.01
    (difference,) = (f for f in report.figures if f.name == "free_length_difference")
    assert difference.low < 0 < difference.high
    assert report.facts["reference_games"] == 1200


def test_play_of_another_law_is_told_apart(tmp_path: Path) -> None:
    context = likeness_context(tmp_path, legal=True, mate_boost=1.0)
    figures = values(evaluate(context).report())
    assert figures["masked_length_p"] < 0.002
    assert figures["masked_outcome_p"] < 0.002


def test_a_player_of_any_token_ends_at_once_and_only_free(tmp_path: Path) -> None:
    report = evaluate(likeness_context(tmp_path, legal=False)).report()
    figures, tables = values(report), {table.name: table.rows for table in report.tables}
    assert figures["completion"] == 0.0
    assert figures["illegal"] + figures["stopped"] == 1.0
    assert figures["end_seen"] is None
    assert figures["free_outcome_tv"] == 1.0
    assert figures["masked_outcome_p"] > 0.01
    from_ply = {row[0]: row[1:] for row in tables["illegal_by_ply"]}
    assert from_ply[0] == (120, 0)  # the first move is given
    reached, failed = from_ply[1]
    assert reached == 120
    assert failed > 110  # 20 of 1,980 tokens are legal at first


def test_what_was_counted_before_a_pause_goes_on_bitwise(tmp_path: Path) -> None:
    context = likeness_context(tmp_path, legal=True)
    whole = evaluate(context)
    first, second = Likeness(context), Likeness(context)
    for shard in range(4):
        first.run(shard)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for shard in range(4, 6):
        second.run(shard)
    assert second.report() == whole.report()
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, second.state()[name])


def test_a_stop_ends_a_shard_and_counts_nothing(tmp_path: Path) -> None:
    context = likeness_context(tmp_path, legal=True)
    likeness = Likeness(context)
    context.stop.signal = signal.SIGTERM
    with pytest.raises(Interrupted):
        likeness.run(0)
    assert not any(tensor.any() for tensor in likeness.state().values())


def test_counts_of_another_shape_are_refused(tmp_path: Path) -> None:
    likeness = Likeness(likeness_context(tmp_path, legal=True))
    with pytest.raises(ValueError, match=r"counts 'lengths' of shape \(3, 101\) are not there"):
        likeness.restore({})


def test_the_games_do_not_depend_on_the_shards(tmp_path: Path) -> None:
    apart = evaluate(likeness_context(tmp_path, legal=True, shard_games=17))
    assert apart.report() == evaluate(likeness_context(tmp_path, legal=True)).report()


def test_the_figures_named_for_the_lab_are_there(tmp_path: Path) -> None:
    report = evaluate(likeness_context(tmp_path, legal=True, games=4)).report()
    assert {metric.name for metric in eval_named("generation").metrics} <= report.values().keys()
