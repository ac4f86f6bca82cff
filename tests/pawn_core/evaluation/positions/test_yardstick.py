"""One yardstick for all models: the same positions whatever they read, known players, Bayes."""

import math
from pathlib import Path

import chess
import chess_engine
import numpy as np
import pytest
import torch
from known_players import context_of, known_player

from pawn_core.config import ConfigError
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.positions.marginal import MarginalModel
from pawn_core.evaluation.positions.yardstick import Yardstick
from pawn_core.evaluation.report import Report
from pawn_core.weights import load_pretrained

FIELDS = {"evals": ("yardstick",), "games": 30, "shard_games": 12, "games_seed": 9}
FIELDS |= {"yardstick_max_ply": 70, "yardstick_plies": 40}
MODELS = [("searchless", False), ("searchless", True), ("coordinate", False), ("coordinate", True)]


def evaluate(context: Context) -> Yardstick:
    Yardstick.check(context)
    yardstick = Yardstick(context)
    for shard in range(context.config.length):
        yardstick.run(shard)
    return yardstick


def known(folder: Path, vocabulary: str, prefixed: bool, *, legal: bool) -> Context:
    player = known_player(legal=legal, vocabulary=vocabulary, prefixed=prefixed, width=80)
    return context_of(player, folder, **FIELDS)


def values(report: Report) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in report.figures}


def legal_counts() -> np.ndarray:
    """By python-chess: the number of legal moves at every position that counts."""
    vocabulary = chess_engine.export_move_vocabulary()
    games = chess_engine.generate_random_games(30, seed=9, max_ply=70)
    counts = []
    for tokens, length in zip(games.tokens, games.lengths, strict=True):
        board = chess.Board()
        for ply in range(min(int(length), 40)):
            if ply:
                counts.append(board.legal_moves.count())
            board.push_uci(vocabulary.moves[tokens[ply]])
    return np.array(counts)


@pytest.mark.parametrize(("vocabulary", "prefixed"), MODELS)
def test_a_player_of_the_legal_law_reaches_every_bound(
    tmp_path: Path, vocabulary: str, prefixed: bool
) -> None:
    report = evaluate(known(tmp_path, vocabulary, prefixed, legal=True)).report()
    figures, counts = values(report), legal_counts()
    assert report.facts["positions"] == len(counts)
    assert figures["kl"] == pytest.approx(0.0, abs=1e-12)
    assert figures["legal_rate"] == 1.0
    assert (figures["legal_mass"], figures["move_mass"]) == pytest.approx((1.0, 1.0))
    for name in ("top1_exact", "top1_bound"):
        assert figures[name] == pytest.approx((1 / counts).mean())
    for name in ("loss", "loss_floor"):
        assert figures[name] == pytest.approx(np.log(counts).mean())
    (top1,) = (figure for figure in report.figures if figure.name == "top1")
    assert top1.low is not None
    assert top1.low < figures["top1_bound"] < top1.high


@pytest.mark.parametrize(("vocabulary", "prefixed"), MODELS)
def test_a_player_of_any_token_has_the_analytic_values(
    tmp_path: Path, vocabulary: str, prefixed: bool
) -> None:
    figures = values(evaluate(known(tmp_path, vocabulary, prefixed, legal=False)).report())
    tokens, counts = chess_engine.export_move_vocabulary(vocabulary), legal_counts()
    moves = int((tokens.source >= 0).sum())
    assert figures["legal_mass"] == pytest.approx((counts / tokens.size).mean())
    assert figures["move_mass"] == pytest.approx(moves / tokens.size)
    assert figures["kl"] == pytest.approx(np.log(moves / counts).mean())
    assert figures["loss"] == pytest.approx(math.log(moves))


def trained(train, tiny, folder: Path, **fields) -> Context:
    name = "-".join(map(str, fields.values()))
    run = tiny | {"max_seq_len": 48, "total_steps": 12, "checkpoint_interval": 12} | fields
    train(run, name)
    checkpoint = folder / name / "checkpoints" / "step_00000012"
    pretrained = load_pretrained(checkpoint)
    pretrained.model.requires_grad_(False)
    return context_of(pretrained, folder, **FIELDS)


def test_models_of_any_vocabulary_and_layout_are_measured_on_the_same_positions(
    train, tiny, tmp_path: Path
) -> None:
    kinds = [
        {"vocabulary": "searchless"},
        {"vocabulary": "coordinate"},
        {"vocabulary": "searchless", "prepend_outcome": True},
    ]
    reports = [evaluate(trained(train, tiny, tmp_path, **kind)).report() for kind in kinds]
    same = ("positions", "games_sha256", "games", "games_seed", "yardstick_plies")
    facts = [{name: report.facts[name] for name in same} for report in reports]
    assert facts[0] == facts[1] == facts[2]
    assert facts[0]["positions"] == len(legal_counts())
    assert len({values(report)["top1_bound"] for report in reports}) == 1
    assert len({values(report)["kl"] for report in reports}) == 3
    by_ply = [[row[:3] for row in report.tables[0].rows] for report in reports]
    assert by_ply[0] == by_ply[1] == by_ply[2]
    assert sum(row[2] for row in by_ply[0]) == facts[0]["positions"]


def test_a_prefixed_model_is_weighed_by_bayes_rule(train, tiny, tmp_path: Path) -> None:
    """The chain rule: what it gives a whole game is the mean over outcomes of what each gives."""
    context = trained(train, tiny, tmp_path, vocabulary="coordinate")
    assert context.spec.prepend_outcome
    marginal = MarginalModel(context)
    tokens = chess_engine.generate_random_games(
        1, seed=3, max_ply=40, vocabulary="coordinate"
    ).tokens[0]
    log_p = marginal.log_probabilities(tokens)
    torch.testing.assert_close(log_p.exp().sum(dim=1), torch.ones(40, dtype=torch.float64))
    played = torch.from_numpy(tokens.astype(np.int64))
    whole = log_p.gather(1, played[:, None]).sum()
    under_each = []
    for outcome in list(context.vocabulary.outcomes.values())[:5]:
        row = torch.cat((torch.tensor([outcome]), played[:-1]))[None]
        one = context.model(row)[0].double().log_softmax(dim=1)
        under_each.append(one.gather(1, played[:, None]).sum())
    prior = torch.from_numpy(marginal.prior_o).log()
    assert float(whole) == pytest.approx(float((prior + torch.stack(under_each)).logsumexp(0)))
    assert marginal.prior_o.sum() == pytest.approx(1.0)
    assert marginal.prior_o[4] > 0.9  # at 47 plies nearly every game is cut


def test_what_was_measured_before_a_pause_goes_on_bitwise(tmp_path: Path) -> None:
    context = known(tmp_path, "searchless", False, legal=False)
    assert context.config.length == 3
    whole = evaluate(context)
    first, second = Yardstick(context), Yardstick(context)
    first.run(0)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    second.run(1)
    second.run(2)
    assert torch.equal(second.state()["sums"], whole.state()["sums"])
    assert second.report() == whole.report()


@pytest.mark.parametrize(("prefixed", "most"), [(False, 31), (True, 30)])
def test_a_model_that_cannot_see_so_far_is_refused(
    tmp_path: Path, prefixed: bool, most: int
) -> None:
    player = known_player(legal=True, prefixed=prefixed, width=30)
    Yardstick.check(context_of(player, tmp_path, **FIELDS | {"yardstick_plies": most}))
    with pytest.raises(ConfigError, match=f"context is 30 tokens; allowed: 2 to {most}"):
        Yardstick.check(context_of(player, tmp_path, **FIELDS))
