"""Accuracy on real games, against python-chess, which also writes the games."""

import gzip
import math
import random
from dataclasses import replace
from pathlib import Path

import chess
import chess.pgn
import numpy as np
import pytest
import torch
from known_players import context_of, known_player

from pawn_core.config import VARIANTS, AdapterConfig, ConfigError
from pawn_core.config.eval import EvalConfig
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.real_games.accuracy import Accuracy
from pawn_core.evaluation.report import Report, Table
from pawn_core.weights.spec import published_form, training_facts

GAMES = 24
FIELDS = {"evals": ("accuracy",), "max_games": 64, "shard_games": 5}


def write_game(seed: int, white_elo: int, black_elo: int, plies: int) -> chess.pgn.Game:
    """A game of so many plies at most, ended by the players."""
    rng, board = random.Random(seed), chess.Board()
    while len(board.move_stack) < plies and not board.is_game_over(claim_draw=False):
        board.push(rng.choice(list(board.legal_moves)))
    game = chess.pgn.Game.from_board(board)
    game.headers.update({"WhiteElo": str(white_elo), "BlackElo": str(black_elo)})
    if game.headers["Result"] == "*":
        game.headers.update({"Result": "1-0", "Termination": "Normal"})
    return game


@pytest.fixture(scope="module")
def games() -> list[chess.pgn.Game]:
    plies = [4, 9, 30, 90]
    return [write_game(i, 1500 + 20 * i, 1900, plies[i % 4]) for i in range(GAMES)]


@pytest.fixture(scope="module")
def pgn(games, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pgn") / "games.pgn"
    path.write_text("\n\n".join(map(str, games)) + "\n")
    return path


def accuracy_context(
    folder: Path, pgn: Path, *, legal: bool = True, prefixed: bool = False, **fields
) -> Context:
    player = known_player(legal=legal, prefixed=prefixed, width=100)
    return context_of(player, folder, **FIELDS, pgn=str(pgn), **fields)


def evaluate(context: Context) -> Accuracy:
    Accuracy.check(context)
    accuracy = Accuracy(context)
    for shard in range(context.config.length):
        accuracy.run(shard)
    return accuracy


def values(report: Report) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in report.figures}


def table(report: Report, name: str) -> Table:
    return next(t for t in report.tables if t.name == name)


def column(report: Report, name: str, field: str) -> dict:
    chosen = table(report, name)
    return {row[0]: row[chosen.columns.index(field)] for row in chosen.rows}


def played_moves(games, min_ply: int = 10) -> list[tuple[int, int, list[int], int]]:
    """(game, ply, legal tokens, token played) of every move that counts, by python-chess."""
    ids = known_player(legal=True).vocabulary.move_ids
    rows = []
    for number, game in enumerate(games):
        board = chess.Board()
        for ply, move in enumerate(game.mainline_moves()):
            legal = sorted(ids[m.uci()] for m in board.legal_moves)
            if ply >= min_ply:
                rows.append((number, ply, legal, ids[move.uci()]))
            board.push(move)
    return rows


@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_a_player_of_the_legal_law_has_the_values_of_the_loop(
    games, pgn: Path, tmp_path: Path, prefixed: bool
) -> None:
    """Among equally likely moves the one of the lowest token comes first."""
    report = evaluate(accuracy_context(tmp_path, pgn, prefixed=prefixed)).report()
    moves, figures = played_moves(games), values(report)
    ranks = np.array([legal.index(token) for _, _, legal, token in moves])
    losses = np.array([math.log(len(legal)) for _, _, legal, _ in moves])
    assert report.facts["positions"] == len(moves) > 500
    assert report.facts["games"] == GAMES // 2  # the others are too short
    assert report.facts["dropped"] == {"too_short": GAMES // 2}
    for prefix in ("", "legal_"):
        assert figures[f"{prefix}top1"] == pytest.approx((ranks < 1).mean())
        assert figures[f"{prefix}top5"] == pytest.approx((ranks < 5).mean())
        assert figures[f"{prefix}loss"] == pytest.approx(losses.mean())
    assert figures["legal_rate"] == 1.0
    assert figures["legal_mass"] == pytest.approx(1.0)
    plies = np.array([ply for _, ply, _, _ in moves])
    for phase, (low, high) in {"opening": (0, 20), "middle": (20, 60), "late": (60, 999)}.items():
        inside = (plies >= low) & (plies < high)
        assert column(report, "phases", "moves")[phase] == inside.sum() > 0
        assert column(report, "phases", "top5")[phase] == pytest.approx((ranks < 5)[inside].mean())
    by_ply = column(report, "by_ply", "top1")
    assert min(by_ply) == 10
    assert by_ply[29] == pytest.approx((ranks < 1)[plies == 29].mean())


def test_a_player_of_any_token_is_as_good_as_the_rules_where_illegal_moves_are_left_out(
    games, pgn: Path, tmp_path: Path
) -> None:
    figures = values(evaluate(accuracy_context(tmp_path, pgn, legal=False)).report())
    moves = played_moves(games)
    assert figures["loss"] == pytest.approx(math.log(1980))
    assert figures["legal_loss"] == pytest.approx(
        np.mean([math.log(len(legal)) for _, _, legal, _ in moves])
    )
    assert figures["legal_mass"] == pytest.approx(np.mean([len(row[2]) / 1980 for row in moves]))
    assert figures["legal_top1"] == pytest.approx(np.mean([row[2][0] == row[3] for row in moves]))
    assert figures["top1"] == pytest.approx(np.mean([row[3] == 0 for row in moves]))


def test_bands_of_elo_go_by_the_mean_and_limits_by_both_players(
    games, pgn: Path, tmp_path: Path
) -> None:
    report = evaluate(accuracy_context(tmp_path, pgn, min_eval_ply=1, elo_band=100)).report()
    means = [(int(g.headers["WhiteElo"]) + 1900) / 2 for g in games]
    expected = {low: sum(low <= mean < low + 100 for mean in means) for low in (1700, 1800, 1900)}
    assert column(report, "elo_bands", "games") == {k: n for k, n in expected.items() if n}
    limited = accuracy_context(tmp_path, pgn, min_eval_ply=1, elo_min=1600, elo_max=1901)
    report = evaluate(limited).report()
    inside = [1600 <= int(g.headers["WhiteElo"]) < 1901 for g in games]
    assert report.facts["games"] == sum(inside)
    assert report.facts["dropped"] == {"elo": GAMES - sum(inside)}
    unmet = accuracy_context(tmp_path, pgn, elo_min=1600, elo_max=1900)
    with pytest.raises(ConfigError, match=r"has no game to use: of 24 .* dropped: 24 elo"):
        Accuracy.check(unmet)  # Black has 1900, which is not below it


def test_games_that_were_trained_on_are_left_out(games, pgn: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    (seen / "some.pgn").write_text("\n\n".join(str(game) for game in games[:10]) + "\n")
    context = accuracy_context(tmp_path, pgn, min_eval_ply=1)
    trained = Context(**vars(context) | {"trained_by": {"pgn": str(seen)}})
    report = evaluate(trained).report()
    assert report.facts["games"] == GAMES - 10
    assert report.facts["dropped"] == {"trained_on": 10}
    assert report.facts["trained_on"] == [str(seen)]
    all_seen = Context(**vars(context) | {"trained_by": {"pgn": str(pgn)}})
    with pytest.raises(ConfigError, match=rf"has no game to use.* dropped: {GAMES} trained_on"):
        Accuracy.check(all_seen)
    gone = Context(**vars(context) | {"trained_by": {"pgn": "gone.pgn"}})
    with pytest.raises(ConfigError, match=r"trained on pgn 'gone.pgn', and which games they have"):
        Accuracy.check(gone)


@pytest.mark.parametrize("merged", [False, True])
def test_of_an_adapter_the_games_of_its_own_selection_are_left_out(
    games, pgn: Path, tmp_path: Path, merged: bool
) -> None:
    """Of 12 games long enough it was trained on 5 and validated on 3."""
    config = AdapterConfig(
        strategy="lora",
        checkpoint="x",
        pgn=str(pgn),
        min_ply=11,
        max_games=5,
        val_games=3,
        patience=None,
        batch_size=1,
        local_checkpoints=True,
    )
    context = accuracy_context(tmp_path, pgn)
    own = config.model_dump(mode="json")
    spec = replace(context.spec, architecture=VARIANTS["small"])
    form = published_form("adapter", spec, own)
    facts = {"trained_by": training_facts(form)} if merged else {"adapted_by": own}
    report = evaluate(Context(**vars(context) | facts)).report()
    assert report.facts["dropped"] == {"too_short": 12, "trained_on": 8}
    moves = [row for row in played_moves([g for g in games if long(g)]) if row[0] >= 8]
    assert report.facts["positions"] == len(moves)


def test_a_model_without_the_outcome_is_told_the_end_of_the_same_result(tmp_path: Path) -> None:
    path = tmp_path / "one.pgn"
    path.write_text(f"{write_game(3, 1500, 1500, 30)}\n")
    context = accuracy_context(tmp_path, path, prefixed=True)
    player = known_player(legal=True, vocabulary="coordinate", prefixed=True, width=100)
    legacy = Accuracy(Context(**vars(context) | {"pretrained": player}))
    white_checkmates = player.vocabulary.outcomes["white_checkmates"]
    assert legacy._games.take([0]).outcomes_b.tolist() == [white_checkmates]
    legacy.run(0)
    assert legacy.report().facts["games"] == 1


def test_sums_of_other_games_are_refused(pgn: Path, tmp_path: Path) -> None:
    context = accuracy_context(tmp_path, pgn)
    before = Accuracy(context).state()
    pgn_now = tmp_path / "now.pgn"
    pgn_now.write_text("\n\n".join(pgn.read_text(encoding="utf-8").split("\n\n")[6:]))
    other = Accuracy(accuracy_context(tmp_path, pgn_now))
    with pytest.raises(ValueError, match="has other games than were measured so far"):
        other.restore(before)


def test_a_prefixed_model_needs_an_outcome_that_its_vocabulary_has(tmp_path: Path) -> None:
    game = write_game(3, 1500, 1500, 30)
    drawn, unknown = str(game), str(game).replace('"1-0"', '"*"').replace(" 1-0", " *")
    path = tmp_path / "two.pgn"
    path.write_text(f"{drawn}\n\n{unknown}\n")
    report = evaluate(accuracy_context(tmp_path, path, prefixed=True)).report()
    assert (report.facts["games"], report.facts["dropped"]) == (1, {"no_outcome": 1})
    assert evaluate(accuracy_context(tmp_path, path)).report().facts["games"] == 2


def test_moves_beyond_the_context_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "long.pgn"
    game = write_game(8, 1500, 1500, 130)
    path.write_text(f"{game}\n")
    plies = [ply for _, ply, _, _ in played_moves([game])]
    assert len(plies) == 120
    for prefixed, last in ((False, 100), (True, 99)):
        report = evaluate(accuracy_context(tmp_path, path, legal=False, prefixed=prefixed)).report()
        assert max(column(report, "by_ply", "moves")) == last


def test_a_folder_is_read_file_by_file_up_to_max_games(games, tmp_path: Path) -> None:
    for number in range(3):
        part = games[8 * number : 8 * number + 8]
        (tmp_path / f"{number}.pgn").write_text("\n\n".join(map(str, part)) + "\n")
    plain = tmp_path / "2.pgn"
    (tmp_path / "2.pgn.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    (tmp_path / "notes.txt").write_text("not read")
    whole = evaluate(accuracy_context(tmp_path, tmp_path)).report()
    assert whole.facts["games"] == GAMES // 2
    fields = FIELDS | {"max_games": 7, "pgn": str(tmp_path)}
    few = evaluate(context_of(known_player(legal=True, width=100), tmp_path, **fields)).report()
    assert few.facts["games"] == 7
    assert few.facts["positions"] == len(played_moves([g for g in games if long(g)][:7]))


def long(game: chess.pgn.Game) -> bool:
    return sum(1 for _ in game.mainline_moves()) > 10


def test_what_was_measured_before_a_pause_goes_on_bitwise(pgn: Path, tmp_path: Path) -> None:
    context = accuracy_context(tmp_path, pgn)
    whole = evaluate(context)
    first, second = Accuracy(context), Accuracy(context)
    first.run(0)
    first.run(1)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for shard in range(2, context.config.length):
        second.run(shard)
    for name, tensor in whole.state().items():
        torch.testing.assert_close(second.state()[name], tensor, rtol=0, atol=0, equal_nan=True)
    assert second.report() == whole.report()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no game to use.* dropped: none"),
        ("1. e4 e5 2. Ke3 *\n", "has no game to use.* dropped: 1 illegal_move"),
        ("1. e4 e5 *\n", "has no game to use.* dropped: 1 too_short"),
        (None, "is not there; allowed: a PGN file"),
    ],
    ids=["empty", "illegal", "short", "missing"],
)
def test_a_pgn_without_a_usable_game_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "bad.pgn"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        Accuracy.check(accuracy_context(tmp_path, path))


def test_a_folder_without_pgn_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("1. e4 e5")
    with pytest.raises(ConfigError, match=r"holds no file that ends in \.pgn, \.pgn\.zst"):
        Accuracy.check(accuracy_context(tmp_path, tmp_path))


def test_the_config_says_what_accuracy_needs() -> None:
    raw = {"weights": "here", "evals": ["accuracy"]}
    with pytest.raises(ValueError, match="pgn is missing: evals has accuracy"):
        EvalConfig.model_validate(raw)
    with pytest.raises(ValueError, match="elo_min 1900 is not below elo_max 1800"):
        EvalConfig.model_validate(raw | {"pgn": "x", "elo_min": 1900, "elo_max": 1800})
