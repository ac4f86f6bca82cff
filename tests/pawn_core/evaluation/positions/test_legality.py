"""Legality and accuracy on fresh games, against models whose figures are known."""

import math
from pathlib import Path

import pytest
import torch
from known_players import known_player

from pawn_core.config import EvalConfig, parse_config
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.positions.legality import Legality
from pawn_core.evaluation.report import Figure, Report
from pawn_core.model import Transformer
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.validation.validation_set import ValidationSet
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec

CPU = Runtime(torch.device("cpu"), None, compiled=False)


def context_of(pretrained: Pretrained, **fields) -> Context:
    games = {"games": 50, "shard_games": 16, "device": "cpu"}
    config = EvalConfig.model_validate({"weights": "any"} | games | fields)
    return Context(pretrained, config, CPU, StopFlag(), {"val_seed": 5}, Path())


def measured(pretrained: Pretrained, **fields) -> Report:
    context = context_of(pretrained, **fields)
    legality = Legality(context)
    for shard in range(context.config.length):
        legality.run(shard)
    return legality.report()


def figures_of(report: Report) -> dict[str, Figure]:
    return {figure.name: figure for figure in report.figures}


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
@pytest.mark.parametrize("prefixed", [False, True])
def test_a_model_that_plays_the_exact_law_is_perfect(vocabulary: str, prefixed: bool) -> None:
    player = known_player(legal=True, vocabulary=vocabulary, prefixed=prefixed, width=64)
    report = measured(player)
    figures = figures_of(report)
    for name in ("legal_rate", "late_legal_rate", "game_completion", "game_completion_both"):
        assert figures[name].value == figures[name].high == 1.0
        assert 0.85 < figures[name].low < 1.0
    assert figures["mean_share_completed"].value == 1.0
    assert figures["forfeit_ply_median"].value is None
    assert report.facts["distribution_known"] is not prefixed
    law = ("kl", "top1_bound", "top1_of_bound", "loss_floor")
    if prefixed:
        assert all(figures[name].value is None for name in law)
    else:
        assert figures["kl"].value == pytest.approx(0.0, abs=1e-6)
        assert figures["top1"].low <= figures["top1_bound"].value <= figures["top1"].high
        assert figures["val_loss"].low <= figures["loss_floor"].value <= figures["val_loss"].high


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
def test_a_model_that_plays_any_token_has_the_analytic_figures(vocabulary: str) -> None:
    player = known_player(legal=False, vocabulary=vocabulary, width=40)
    report = measured(player)
    figures, size = figures_of(report), player.vocabulary.size
    assert figures["val_loss"].value == pytest.approx(math.log(size))
    assert figures["perplexity"].value == pytest.approx(size)
    expected = math.log(size) - figures["loss_floor"].value
    assert figures["kl"].value == pytest.approx(expected, rel=1e-6)
    assert figures["kl"].low < expected < figures["kl"].high


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"mate_boost": 0.5},
        {"discard_ply_limit": True, "max_seq_len": 120},
        {"prepend_outcome": True},
        {"vocabulary": "coordinate"},
    ],
    ids=lambda fields: next(iter(fields), "plain"),
)
def test_it_measures_what_validation_during_training_does(tiny, fields) -> None:
    games = {"val_games": 30, "max_seq_len": 48, "val_seed": 11} | fields
    trained = parse_config(tiny | games)
    validation = ValidationSet.of(trained, 30, None, StopFlag())
    tokens = known_player(legal=True, vocabulary=trained.vocabulary).vocabulary
    spec = ModelSpec(
        trained.architecture,
        trained.vocabulary,
        trained.max_seq_len,
        trained.prepend_outcome,
    )
    model = Transformer(trained.architecture, tokens, trained.max_seq_len)
    model.initialize(torch.Generator().manual_seed(1))
    expected = validation.evaluate(model.forward_at, CPU)
    chosen = {name: fields[name] for name in ("mate_boost", "discard_ply_limit") if name in fields}
    pretrained = Pretrained(model.eval(), tokens, spec)
    report = measured(pretrained, games=30, games_seed=11, shard_games=7, **chosen)
    figures = figures_of(report)
    shared = expected.keys() & figures.keys()
    assert len(shared) == 13
    for name in shared:
        near = expected[name] if expected[name] is None else pytest.approx(expected[name])
        assert figures[name].value == near, name
    assert report.facts["positions"] == expected["positions"]
    assert report.facts["games"] == 30


def test_rates_by_ply_add_up_to_the_whole() -> None:
    report = measured(known_player(legal=True, width=100))
    (by_ply,) = [table for table in report.tables if table.name == "By ply"]
    assert [row[:2] for row in by_ply.rows] == [(0, 31), (32, 63), (64, 95), (96, 127)]
    assert sum(row[2] for row in by_ply.rows) == report.facts["moves"]
    assert all(row[3] == 1.0 for row in by_ply.rows)


def test_sums_that_were_saved_go_on_to_the_same_report() -> None:
    player = known_player(legal=False, width=40)
    whole = measured(player)
    context = context_of(player)
    first, second = Legality(context), Legality(context)
    first.run(0)
    first.run(1)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for shard in range(2, context.config.length):
        second.run(shard)
    assert second.report() == whole


def test_the_games_that_a_checkpoint_was_selected_on_are_named_so() -> None:
    player = known_player(legal=True, width=24)
    assert measured(player, games_seed=5).facts["selected_on"]
    assert not measured(player).facts["selected_on"]


def test_the_tables_are_those_of_the_model_card() -> None:
    headline, compound, _ = measured(known_player(legal=True, width=24)).tables
    assert [row[0] for row in headline.rows] == [
        "Game completion rate",
        "Per-move legal rate",
        "Late-game legal rate",
        "Top-1 accuracy",
        "Top-5 accuracy",
        "Val loss",
        "Val perplexity",
    ]
    assert len(compound.rows) == 3
