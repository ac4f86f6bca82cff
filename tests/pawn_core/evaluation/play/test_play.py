"""Matches as an evaluation: results, PGN, resume, opponents of every kind."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import chess.pgn
import pytest
import torch
from known_players import context_of, known_player
from programs import needs_stockfish, write_program

from pawn_core.config import ConfigError
from pawn_core.config.evals import eval_named
from pawn_core.evaluation.evaluation import Context
from pawn_core.evaluation.play.play import Play
from pawn_core.evaluation.play.uci_engines import EngineFault
from pawn_core.evaluation.report import Report

FIELDS = {"evals": ("play",), "play_pairs": 10, "shard_games": 8, "games_seed": 3}


def play_context(folder: Path, *, legal: bool = True, width: int = 100, **fields) -> Context:
    return context_of(known_player(legal=legal, width=width), folder, **(FIELDS | fields))


def evaluate(context: Context) -> Play:
    play = Play(context)
    for shard in range(context.config.length):
        play.run(shard)
    return play


def figure(report: Report, name: str):
    return next(figure for figure in report.figures if figure.name == name)


def table(report: Report, name: str) -> tuple:
    return next(table.rows for table in report.tables if table.name == name)


def pgn_games(folder: Path) -> Iterator[chess.pgn.Game]:
    text = io.StringIO((folder / "games.pgn").read_text(encoding="utf-8"))
    while (game := chess.pgn.read_game(text)) is not None:
        assert not game.errors
        yield game


def test_a_player_of_the_legal_law_is_even_with_random_play(tmp_path: Path) -> None:
    report = evaluate(play_context(tmp_path, width=300, play_pairs=40, shard_games=80)).report()
    score, elo = figure(report, "score"), figure(report, "elo")
    assert score.low < 0.5 < score.high
    assert elo.low < 0 < elo.high
    assert (score.n, figure(report, "forfeited").value) == (40, 0.0)
    assert {metric.name for metric in eval_named("play").metrics} <= report.values().keys()


def test_an_unmasked_model_of_any_token_loses_all_and_elo_has_no_bound(tmp_path: Path) -> None:
    report = evaluate(play_context(tmp_path, legal=False, play_masked=False)).report()
    score, elo, forfeited = (figure(report, n) for n in ("score", "elo", "forfeited"))
    assert (score.value, score.low) == (0.0, 0.0)
    assert score.high < 0.2
    assert (elo.value, elo.low) == (None, None)
    assert elo.high < -200
    assert forfeited.value == 1.0
    assert table(report, "results") == (("white", 0, 0, 10, 10, 0), ("black", 0, 0, 10, 10, 0))


def test_the_games_are_kept_as_pgn_with_colours_results_and_reasons(tmp_path: Path) -> None:
    context = play_context(tmp_path, legal=False, play_masked=False)
    evaluate(context)
    games = list(pgn_games(tmp_path))
    assert [game.headers["Round"] for game in games[:4]] == ["1.1", "1.2", "2.1", "2.2"]
    for number, game in enumerate(games):
        model = "White" if number % 2 == 0 else "Black"
        assert game.headers[model] == "known"
        assert game.headers["Result"] == ("0-1" if model == "White" else "1-0")
        assert game.headers["Termination"] == "rules infraction"
        assert game.end().comment.startswith("refused: ")
    openings = [[m.uci() for m in game.mainline_moves()][:8] for game in games]
    assert openings[0::2] == openings[1::2]


def test_the_results_of_the_pgn_are_those_of_its_boards(tmp_path: Path) -> None:
    report = evaluate(play_context(tmp_path, width=300)).report()
    games = list(pgn_games(tmp_path))
    assert len(games) == 20
    for game in games:
        board = game.end().board()
        decided = board.result() if board.is_checkmate() else "1/2-1/2"
        assert game.headers["Result"] == decided
        assert int(game.headers["PlyCount"]) == board.ply()
    assert report.facts["distinct_games"] == 20


def test_a_match_goes_on_bitwise_and_its_file_is_whole(tmp_path: Path) -> None:
    whole = evaluate(play_context(tmp_path / "whole"))
    first = Play(play_context(tmp_path / "first"))
    first.run(0)
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    first.run(1)  # lost: the run was killed before a checkpoint
    with (tmp_path / "first" / "games.pgn").open("a", encoding="utf-8") as file:
        file.write('[Event "torn')
    second = Play(play_context(tmp_path / "first"))
    second.restore(kept)
    for shard in (1, 2):
        second.run(shard)
    assert second.report() == whole.report()
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, second.state()[name])
    files = [tmp_path / name / "games.pgn" for name in ("whole", "first")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_match_that_was_stopped_in_its_first_pairs_can_be_saved(tmp_path: Path) -> None:
    assert Play(play_context(tmp_path)).state().keys() == {"opponent"}


def test_another_run_does_not_inherit_the_games_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "games.pgn").write_text("of another run", encoding="utf-8")
    evaluate(play_context(tmp_path))
    assert len(list(pgn_games(tmp_path))) == 20


def test_openings_that_leave_no_game_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"play_opening_plies 40 leaves .* allowed: 1 to 29"):
        Play.check(play_context(tmp_path, width=30, play_opening_plies=40))


def test_an_opponent_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'uci:stokfish': engine 'stokfish' is not there"):
        Play.check(play_context(tmp_path, play_opponent="uci:stokfish"))
    with pytest.raises(ConfigError, match=r"play_opponent: weights '.*none.safetensors'"):
        Play.check(play_context(tmp_path, play_opponent=str(tmp_path / "none.safetensors")))


def test_a_program_without_the_strength_is_refused_at_the_start(tmp_path: Path) -> None:
    program = write_program(tmp_path / "program", "pass")
    with pytest.raises(ConfigError, match="allows UCI_Elo 1400 to 2000, and 1320 was asked for"):
        Play.check(play_context(tmp_path, play_opponent=f"uci:{program}", play_elo=1320))


def test_programs_need_their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pawn_core.evaluation.play.uci_engines", None)
    with pytest.raises(ConfigError, match=r"pip install 'pawn-lab\[play\]'"):
        Play.check(play_context(tmp_path, play_opponent="uci:stockfish"))


def test_a_program_that_dies_ends_the_match_without_a_result(tmp_path: Path) -> None:
    program = write_program(tmp_path / "program", "os._exit(3)")
    context = play_context(tmp_path, play_opponent=f"uci:{program}")
    Play.check(context)
    play = Play(context)
    with pytest.raises(EngineFault, match="ended with exit code 3"):
        play.run(0)
    assert not (tmp_path / "games.pgn").exists()


def test_two_strengths_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="play_elo 1500 and play_skill 3 both limit"):
        play_context(tmp_path, play_opponent="uci:stockfish", play_elo=1500, play_skill=3)


def test_a_strength_without_a_program_has_no_effect(tmp_path: Path) -> None:
    config = play_context(tmp_path, play_elo=1500).config
    assert "is no program" in config.no_effect()["play_elo"]


@needs_stockfish
def test_limited_stockfish_beats_random_play_and_is_named(tmp_path: Path) -> None:
    fields = {"play_opponent": "uci:stockfish", "play_elo": 1400, "play_nodes": 300}
    context = play_context(tmp_path, play_pairs=3, **fields)
    Play.check(context)
    report = evaluate(context).report()
    assert figure(report, "score").value < 0.5
    assert report.facts["opponent"].startswith("Stockfish")
    assert report.facts["opponent_facts"]["UCI_Elo"] == 1400
    assert {game.headers["Black"] for game in pgn_games(tmp_path)} == {
        "known",
        report.facts["opponent"],
    }
