"""Games from parquet shards, of which nothing is believed that the rules contradict."""

import sys
from datetime import datetime
from pathlib import Path

import chess
import chess_engine
import numpy as np
import pyarrow as pa
import pytest
from builder import COMMIT_GAMES, end_behind
from shards import SCHEMA, rows, write_shard

from pawn_core.config import ConfigError
from pawn_core.real_games import build
from pawn_core.real_games.reading import parquet
from pawn_core.real_games.selection import Selection

FOOLS_MATE = ["f2f3", "e7e5", "g2g4", "d8h4"]


def tokens_of(uci: list[str]) -> list[int]:
    ids = parquet.chess_engine.export_move_vocabulary("searchless").move_ids
    return [ids[move] for move in uci]


def test_the_moves_are_those_of_the_rows(opened, tmp_path: Path) -> None:
    games = rows(20)
    cached = opened(write_shard(tmp_path / "games.parquet", games), max_games=15, val_games=5)
    taken = cached.train.take(range(15))
    for game, tokens, length in zip(games, taken.tokens_bp, taken.lengths_b, strict=False):
        assert tokens[:length].tolist() == game["tokens"]
        board = chess.Board()
        for move in game["uci"]:
            board.push_uci(move)
    assert cached.val.take([4]).tokens_bp[0].tolist() == games[19]["tokens"]
    assert taken.elos_b2.tolist() == [[1850, 1820]] * 15


def test_shards_of_a_folder_are_split_by_their_names(opened, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_shard(folder / "train-00000-of-00002.parquet", rows(10))
    write_shard(folder / "train-00001-of-00002.parquet", rows(10, seed=2))
    held_out = [*rows(3), *rows(12, seed=3)]
    write_shard(folder / "validation-00000-of-00001.parquet", held_out)
    write_shard(folder / "test-00000-of-00001.parquet", rows(10, seed=4))
    games = opened(folder, max_games=15, val_games=8)
    assert (len(games.train), len(games.val)) == (15, 8)
    assert games.val.take([0]).tokens_bp[0].tolist() == held_out[3]["tokens"]
    assert games.counts["in_training"] == 3
    assert not np.intersect1d(games.train.digests_g, games.val.digests_g).size
    test = opened(folder, held_out=True)
    assert test.train.take([0]).tokens_bp[0].tolist() == rows(1, seed=4)[0]["tokens"]


def test_a_folder_without_validation_shards_gives_its_last_games(opened, tmp_path: Path) -> None:
    write_shard(tmp_path / "train-0.parquet", rows(12))
    write_shard(tmp_path / "train-1.parquet", rows(12, seed=2))
    games = opened(tmp_path, max_games=100, val_games=4)
    assert (len(games.train), len(games.val)) == (20, 4)


def test_a_slice_of_an_array_has_its_own_moves(cache_root: Path) -> None:
    games = rows(20)
    batch = pa.Table.from_pylist(games, SCHEMA).to_batches()[0].slice(7, 5)
    kept, report = parquet._Rows(batch, Selection("x", 512)).kept()
    assert report == {"read": 5, "kept": 5}
    assert np.split(kept.tokens_m, np.cumsum(kept.lengths_g))[0].tolist() == games[7]["tokens"]


@pytest.mark.parametrize("commit", [1, 2])
def test_a_build_that_ended_goes_on_with_the_next_row(
    opened, tmp_path: Path, monkeypatch, commit: int
) -> None:
    monkeypatch.setattr(parquet, "BATCH_GAMES", 5)
    monkeypatch.setattr(build, "COMMIT_GAMES", COMMIT_GAMES)
    folder, games = tmp_path / "data", [*rows(30), *rows(30, seed=2)]
    write_shard(folder / "a.parquet", games[:13])
    write_shard(folder / "b.parquet", games[13:])
    with pytest.MonkeyPatch.context() as patch:
        end_behind(commit, lambda: 1 // 0, patch.setattr)
        with pytest.raises(ZeroDivisionError):
            opened(folder, elo_min=1800)
    cached = opened(folder, elo_min=1800)
    assert cached.counts["read"] == cached.counts["kept"] == len(cached.train) == 60
    taken = cached.train.take(range(60))
    assert [t[:n].tolist() for t, n in zip(taken.tokens_bp, taken.lengths_b, strict=True)] == [
        game["tokens"] for game in games
    ]


def test_rows_that_are_no_games_are_dropped_and_counted(opened, tmp_path: Path) -> None:
    good = rows(1)[0]
    bad = {
        "illegal_move": [good | {"tokens": good["tokens"][::-1]}]
        + [good | {"tokens": [token, *good["tokens"][1:]]} for token in (-1, 1968, 1974, 32767)],
        "empty": [good | {"tokens": None, "game_length": 0}, good | {"tokens": []}],
        "malformed": [good | {"game_length": 29}, good | {"game_length": None}],
        "too_long": [good | {"game_length": 900}],
        "too_short": [good | {"tokens": good["tokens"][:9], "game_length": 9}],
        "no_outcome": [good | {"termination": "Abandoned"}, good | {"result": "*"}],
    }
    games = [good, *(row for some in bad.values() for row in some)]
    cached = opened(write_shard(tmp_path / "games.parquet", games), min_ply=10)
    assert cached.counts["dropped"] == {reason: len(some) for reason, some in bad.items()}
    assert cached.counts["kept"] == 1


def test_the_board_decides_how_a_game_ended(opened, tmp_path: Path) -> None:
    mate = tokens_of(FOOLS_MATE)
    base = {"result": "0-1", "outcome_token": 1975}
    on = [*mate, *tokens_of(["a2a3"])]
    games = [
        rows(1)[0] | base | {"tokens": mate, "game_length": 4},
        rows(1)[0] | base | {"tokens": on, "game_length": 5},
        *rows(1, result="1/2-1/2", termination="Insufficient material", outcome_token=65535),
        *rows(1, result="1-0", termination="Time forfeit"),
    ]
    cached = opened(write_shard(tmp_path / "games.parquet", games))
    taken = cached.train.take(range(4))
    assert taken.outcomes_b.tolist() == [1970, 1970, 1972, 1977]
    assert taken.lengths_b.tolist() == [4, 4, 30, 30]
    assert cached.counts["cut"] == 1


def test_without_result_and_termination_the_outcome_token_counts(opened, tmp_path: Path) -> None:
    few = pa.schema([SCHEMA.field("tokens"), SCHEMA.field("outcome_token")])
    games = [{k: row[k] for k in few.names} for row in rows(3)]
    games[1]["outcome_token"], games[2]["outcome_token"] = 1979, 7
    cached = opened(write_shard(tmp_path / "games.parquet", games, few))
    assert cached.train.take([0, 1]).outcomes_b.tolist() == [1974, 1979]
    assert cached.train.take([0]).elos_b2.tolist() == [[-1, -1]]
    assert cached.counts["dropped"] == {"no_outcome": 1}


def test_filters_are_those_of_pgn(opened, tmp_path: Path) -> None:
    games = [
        *rows(2),
        *rows(1, white_elo=1799),
        *rows(1, black_elo=None),
        *rows(1, time_control="60+0"),
        *rows(1, date=datetime(2025, 2, 1)),
    ]
    cached = opened(
        write_shard(tmp_path / "games.parquet", games),
        elo_min=1800,
        elo_max=1900,
        time_control="blitz,rapid",
        date_min="2025-01-01",
        date_max="2025-02-01",
    )
    expected = {"elo": 1, "elo_unknown": 1, "time_control": 1, "date": 1}
    assert cached.counts["dropped"] == expected


def test_a_time_control_is_read_as_the_engine_reads_the_tag(opened, tmp_path: Path) -> None:
    """Of a column as of PGN: without an increment, of periods, by correspondence, unknown."""
    tags = ["300+3", "300", "300+0", "60", "40/7200:3600", "1/86400", "-", "?", "*180", ""]
    same = [game for n, tag in enumerate(tags) for game in rows(1, seed=n, time_control=tag)]
    path = write_shard(tmp_path / "games.parquet", same)
    pgn = tmp_path / "games.pgn"
    pgn.write_text("".join(f'[TimeControl "{tag}"]\n\n1. e4 e5 *\n\n' for tag in tags))
    for wanted in ("blitz", "bullet,classical", "correspondence", "300+0"):
        reader = chess_engine.GameReader(pgn, time_control=wanted, require_outcome=False)
        in_pgn = [tags[n] for batch in reader for n in batch.numbers]
        kept = len(opened(path, time_control=wanted, require_outcome=False).train)
        assert kept == len(in_pgn) > 0, wanted
        allowed = chess_engine.match_time_controls(tags, wanted)
        assert [tag for tag, wants in zip(tags, allowed, strict=True) if wants] == in_pgn


def test_a_filter_without_its_column_is_refused(opened, tmp_path: Path) -> None:
    path = write_shard(tmp_path / "games.parquet", rows(2))
    with pytest.raises(ConfigError, match="no column 'white_title', which no_bots asks for"):
        opened(path, no_bots=True)
    other = write_shard(tmp_path / "moves.parquet", [{"moves": 1}], pa.schema({"moves": pa.int8()}))
    with pytest.raises(ConfigError, match="no column 'tokens'"):
        opened(other)


def test_what_is_no_parquet_is_refused(opened, tmp_path: Path) -> None:
    path = tmp_path / "games.parquet"
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(ConfigError, match=r"games.parquet' cannot be read"):
        opened(path)


def test_without_pyarrow_its_extra_is_named(opened, tmp_path: Path, monkeypatch) -> None:
    path = write_shard(tmp_path / "games.parquet", rows(2))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'pawn-lab\[parquet\]'"):
        opened(path)


def test_a_folder_of_both_formats_is_refused(opened, tmp_path: Path) -> None:
    write_shard(tmp_path / "games.parquet", rows(2))
    (tmp_path / "games.pgn").write_text("")
    with pytest.raises(ConfigError, match="holds PGN files and parquet shards"):
        opened(tmp_path)
