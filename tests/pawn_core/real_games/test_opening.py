"""From files to games: which there are, in which order, and why the others are not."""

import gzip
import io
from pathlib import Path

import chess
import chess.pgn
import chess_engine
import numpy as np
import pytest
from written_games import write_pgn, written_games

from pawn_core.config import ConfigError
from pawn_core.real_games import Games
from pawn_core.real_games.selection import Selection

VOCABULARY = chess_engine.export_move_vocabulary("searchless")
BY_LICHESS = {
    ("Normal", "1-0"): 1974,
    ("Normal", "0-1"): 1975,
    ("Normal", "1/2-1/2"): 1976,
    ("Time forfeit", "1-0"): 1977,
    ("Time forfeit", "0-1"): 1978,
    ("Time forfeit", "1/2-1/2"): 1979,
    ("Insufficient material", "1/2-1/2"): 1972,
}


def uci_games(games: Games) -> list[list[str]]:
    """The moves of all games."""
    rows = games.take(range(len(games)))
    return [
        [VOCABULARY.moves[token] for token in tokens[:length]]
        for tokens, length in zip(rows.tokens_bp, rows.lengths_b, strict=True)
    ]


def by_python_chess(texts: list[str]) -> list[list[str]]:
    games = [chess.pgn.read_game(io.StringIO(text)) for text in texts]
    return [[move.uci() for move in game.mainline_moves()] for game in games if game]


def test_python_chess_reads_the_same_moves_from_the_files(opened, tmp_path: Path) -> None:
    texts = written_games(40)
    games = opened(write_pgn(tmp_path / "games.pgn", texts), max_games=30, val_games=10)
    expected = by_python_chess(texts)
    assert uci_games(games.train) == expected[:30]
    assert uci_games(games.val) == expected[30:]
    for moves in uci_games(games.train):
        board = chess.Board()
        for move in moves:
            board.push_uci(move)  # raises where it is illegal


@pytest.mark.parametrize(("how", "result"), BY_LICHESS)
def test_outcome_tokens_are_by_the_table(opened, tmp_path: Path, how: str, result: str) -> None:
    texts = written_games(2, plies=(12, 14), Result=result, Termination=how)
    games = opened(write_pgn(tmp_path / "games.pgn", texts))
    assert games.train.take([0, 1]).outcomes_b.tolist() == [BY_LICHESS[how, result]] * 2


@pytest.mark.parametrize("how", ["Abandoned", "Rules infraction", "Unterminated"])
def test_games_that_did_not_end_are_dropped(opened, tmp_path: Path, how: str) -> None:
    texts = [*written_games(3), *written_games(2, first=3, Termination=how)]
    texts += written_games(1, first=5, Result="*")
    games = opened(write_pgn(tmp_path / "games.pgn", texts))
    assert games.counts["dropped"] == {"no_outcome": 3}
    whole = opened(tmp_path / "games.pgn", require_outcome=False)
    assert len(whole.train) == 6
    assert (whole.train.take(range(6)).outcomes_b < 0).sum() == 3


def test_the_first_games_train_and_the_next_validate(opened, pgn: Path) -> None:
    games = opened(pgn, max_games=20, val_games=10)
    assert (len(games.train), len(games.val)) == (20, 10)
    everything = uci_games(opened(pgn).train)
    assert uci_games(games.train) == everything[:20]
    assert uci_games(games.val) == everything[20:30]


def test_of_a_short_file_the_last_games_validate(opened, pgn: Path) -> None:
    games = opened(pgn, max_games=55, val_games=10)
    everything = uci_games(opened(pgn).train)
    assert uci_games(games.train) == everything[:50]
    assert uci_games(games.val) == everything[50:]


def test_no_game_validates_whose_moves_were_trained_on(opened, tmp_path: Path) -> None:
    texts = written_games(30)
    again = [texts[3], *texts[:5], *texts[20:25]]
    path = write_pgn(tmp_path / "games.pgn", [*texts[:20], *again, *texts[25:]])
    games = opened(path, max_games=20, val_games=8)
    assert not np.intersect1d(games.train.digests_g, games.val.digests_g).size
    assert uci_games(games.val) == by_python_chess(texts[20:28])
    assert games.counts["in_training"] == 6
    assert games.counts["duplicates"] == 0
    assert opened(path).counts["duplicates"] == 6


def test_another_file_may_be_held_out(opened, pgn: Path, tmp_path: Path) -> None:
    texts = [*written_games(5), *written_games(20, seed=2)]
    other = write_pgn(tmp_path / "other.pgn", texts)
    games = opened(pgn, max_games=30, val_pgn=str(other), val_games=12)
    assert uci_games(games.train) == uci_games(opened(pgn).train)[:30]
    assert uci_games(games.val) == by_python_chess(texts[5:17])
    assert games.counts["in_training"] == 5
    assert games.document()["val_source"] == str(other)


def test_a_folder_is_read_file_by_file_whatever_its_compression(opened, tmp_path: Path) -> None:
    texts = written_games(30)
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    write_pgn(folder / "a.pgn", texts[:10])
    plain = write_pgn(tmp_path / "b.pgn", texts[10:20])
    (folder / "b.pgn.gz").write_bytes(gzip.compress(plain.read_bytes()))
    write_pgn(folder / "below" / "C.PGN", texts[20:])
    (folder / "notes.txt").write_text("not read")
    assert uci_games(opened(folder).train) == by_python_chess(texts)


def test_filters_drop_games_and_say_why(opened, tmp_path: Path) -> None:
    texts = [
        *written_games(2),
        *written_games(1, first=2, WhiteElo="1799"),
        *written_games(1, first=3, BlackElo="1900"),
        *written_games(1, first=4, WhiteElo="?"),
        *written_games(1, first=5, WhiteElo="1850?"),
        *written_games(1, first=6, plies=(9, 9)),
        *written_games(1, first=7, TimeControl="60+0"),
        *written_games(1, first=8, UTCDate="2024.02.01"),
        *written_games(1, first=9, WhiteTitle="BOT"),
        *written_games(1, first=10, Variant="Atomic"),
        *written_games(1, first=11, plies=(70, 70)),
    ]
    games = opened(
        write_pgn(tmp_path / "games.pgn", texts),
        elo_min=1800,
        elo_max=1900,
        min_ply=10,
        max_ply=60,
        time_control="blitz,rapid",
        date_min="2024-01-01",
        date_max="2024-02-01",
        no_bots=True,
    )
    assert games.counts["dropped"] == {
        "elo": 2,
        "elo_unknown": 1,
        "too_short": 1,
        "time_control": 1,
        "date": 1,
        "bot": 1,
        "variant": 1,
        "too_long": 1,
    }
    assert (games.counts["read"], games.counts["kept"]) == (12, 3)


def test_a_game_of_max_ply_plies_is_whole(opened, tmp_path: Path) -> None:
    texts = [*written_games(1, plies=(30, 30)), *written_games(1, first=1, plies=(31, 31))]
    games = opened(write_pgn(tmp_path / "games.pgn", texts), max_ply=30)
    assert games.train.take([0]).lengths_b.tolist() == [30]
    assert games.counts["dropped"] == {"too_long": 1}


def test_the_last_game_of_a_file_that_was_cut_is_dropped(opened, tmp_path: Path) -> None:
    path = write_pgn(tmp_path / "games.pgn", written_games(20))
    data = path.read_bytes().rstrip()
    path.write_bytes(data[: data.rindex(b".") - 40])
    games = opened(path)
    assert games.counts["kept"] < 20
    assert games.counts["read"] - games.counts["kept"] == sum(games.counts["dropped"].values())


def test_filters_that_leave_nothing_are_refused_with_the_reasons(opened, pgn: Path) -> None:
    for _ in range(2):  # the second time from the cache
        with pytest.raises(ConfigError, match=r"no game to train on: of 60 .* dropped: 60 elo"):
            opened(pgn, max_games=10, val_games=5, elo_min=2500)


def test_too_few_games_to_hold_any_out_are_refused(opened, pgn: Path) -> None:
    with pytest.raises(ConfigError, match="60 may be used, of which val_games 512 are held out"):
        opened(pgn, max_games=10_000, val_games=512)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [("", "none"), ("nothing of chess\n", "none"), ("1. e4 e5 2. Ke3 *\n", "1 illegal_move")],
    ids=["empty", "prose", "illegal"],
)
def test_a_file_without_games_is_refused(opened, tmp_path: Path, text: str, dropped: str) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"has no game to use.*dropped: {dropped}"):
        opened(path)


def test_a_file_that_cannot_be_decompressed_is_refused(opened, tmp_path: Path) -> None:
    path = tmp_path / "games.pgn.gz"
    whole = gzip.compress(write_pgn(tmp_path / "games.pgn", written_games(20)).read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"games.pgn.gz' cannot be read"):
        opened(path)


def test_what_is_no_source_is_refused(opened, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there; allowed: a PGN file"):
        opened(tmp_path / "gone.pgn")
    with pytest.raises(ConfigError, match=r"holds no file that ends in \.pgn, \.pgn\.zst"):
        opened(tmp_path)


def test_games_of_another_selection_are_left_out(opened, pgn: Path) -> None:
    trained = {"max_games": 20, "val_games": 10, "max_ply": 512}
    without = Selection(str(pgn), **trained)
    games = opened(pgn, max_games=15, without=(without,))
    everything = uci_games(opened(pgn).train)
    assert uci_games(games.train) == everything[30:45]
    assert games.counts["dropped"] == {"trained_on": 30}
    with pytest.raises(ConfigError, match=r"no game to use.* dropped: 60 trained_on"):
        opened(pgn, without=(Selection(str(pgn), 512),))


def test_the_page_of_real_games_shows_code_that_runs(cache_root, tmp_path, monkeypatch) -> None:
    page = Path(__file__).parents[3] / "docs" / "real_games.md"
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    write_pgn(tmp_path / "games.pgn", written_games(140))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    assert len(names["games"].val) == 100
