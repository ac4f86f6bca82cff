"""Which games `GameReader` drops, and for which reason."""

from collections.abc import Callable
from pathlib import Path

import chess
import chess_engine as engine
import pytest
from real_files import RARE, tagged

ELO = {"WhiteElo": "1850", "BlackElo": "1850"}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., engine.FlatGames]:
    """Read these games in one batch."""

    def read(*texts: str, **filters: object) -> engine.FlatGames:
        path = tmp_path / "games.pgn"
        path.write_text("".join(texts))
        (games,) = engine.GameReader(path, **filters)
        report = games.report
        reasons = {reason: n for reason, n in report.items() if reason not in ("kept", "cut")}
        assert 2 * report["read"] == report["kept"] + sum(reasons.values())
        return games

    return read


def reasons(games: engine.FlatGames) -> dict[str, int]:
    return {k: n for k, n in games.report.items() if n and k not in ("read", "kept")}


BY_SPEED = {
    "ultrabullet": ["15+0", "29", "0+0"],
    "bullet": ["30+0", "60+1", "179", "10+0.5"],
    "blitz": ["180", "180+0", "300+3", "100+2", "40/300"],
    "rapid": ["480+0", "600+5", "1499"],
    "classical": ["1500+0", "900+15", "40/7200:3600", "40/5400+30:900+30"],
    "correspondence": ["-", "1/86400", "21600+0"],
}
UNKNOWN = ["?", "", "*180", "5 min", "300+", "1e3", "300+3+1", "inf"]


@pytest.mark.parametrize("speed", BY_SPEED)
def test_speeds_are_those_of_lichess(read: Callable, speed: str):
    tags = [(name, tag) for name, names in BY_SPEED.items() for tag in names]
    tags += [("unknown", tag) for tag in UNKNOWN]
    texts = [tagged(TimeControl=tag) for _, tag in tags]
    games = read(*texts, tagged(), time_control=speed)
    assert games.numbers.tolist() == [i for i, (name, _) in enumerate(tags) if name == speed]
    assert set(reasons(games)) == {"time_control"}


def test_one_time_control_is_itself_alone_however_it_is_written(read: Callable):
    same, others = ["300", "300+0", "300.0+0"], ["300+3", "40/300", "180", "-", "?"]
    games = read(*(tagged(TimeControl=tag) for tag in same + others), time_control="300+0")
    assert games.numbers.tolist() == [0, 1, 2]
    several = read(tagged(TimeControl="300"), tagged(TimeControl="15"), time_control="rapid,blitz")
    assert several.numbers.tolist() == [0]


@pytest.mark.parametrize(
    ("white", "black", "reason"),
    [
        ("1800", "1899", None),
        ("1850?", "1850 ?", None),
        ("1799", "1850", "elo"),
        ("1850", "1900", "elo"),
        ("?", "1850", "elo_unknown"),
        ("1850", "0", "elo_unknown"),
        ("?", "2400", "elo_unknown"),
        ("18500000", "1850", "elo_unknown"),
    ],
)
def test_both_players_are_within_the_band(
    read: Callable, white: str, black: str, reason: str | None
):
    games = read(tagged(WhiteElo=white, BlackElo=black), elo_min=1800, elo_max=1900)
    assert reasons(games) == ({reason: 1} if reason else {})


@pytest.mark.parametrize(
    ("tags", "is_kept"),
    [
        ({"UTCDate": "2024.01.01"}, True),
        ({"UTCDate": "2024.01.31"}, False),
        ({"UTCDate": "2023.12.31"}, False),
        ({"Date": "2024.01.30"}, True),
        ({"UTCDate": "2024.01.30", "Date": "2024.01.31"}, True),
        ({"Date": "2024.01.30", "UTCDate": "2024.01.31"}, False),
        ({"UTCDate": "????.??.??", "Date": "2024.01.30"}, True),
        ({"Date": "2024.01.??"}, False),
        ({"Date": "2024.01.32"}, False),
        ({}, False),
    ],
)
def test_days_are_within_the_dates(read: Callable, tags: dict[str, str], is_kept: bool):
    games = read(tagged(**tags), date_min="2024-01-01", date_max="2024-01-31")
    assert reasons(games) == ({} if is_kept else {"date": 1})


def test_without_a_filter_tags_do_not_matter(read: Callable):
    games = read(tagged(WhiteElo="?", TimeControl="?", Date="????.??.??", WhiteTitle="BOT"))
    assert games.report["kept"] == 1


SHUFFLE = "1. Nf3 Nf6 2. Ng1 Ng8 "


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("variant", tagged(Variant="Chess960", **ELO)),
        ("variant", tagged("1. e4@ P@e5", Variant="Crazyhouse")),
        ("custom_start", tagged(FEN="7k/8/8/8/8/8/8/K6R w - - 0 1")),
        ("bot", tagged(WhiteTitle="BOT")),
        ("elo_unknown", tagged(BlackElo="1850", TimeControl="?")),
        ("elo", tagged("1. e4 Ke4", WhiteElo="1850", BlackElo="2000")),
        ("time_control", tagged("1. e4 Ke4", TimeControl="60+0", **ELO)),
        ("date", tagged("1. e4 Ke4", TimeControl="300", Date="2023.01.01", **ELO)),
    ],
)
def test_tags_decide_before_the_moves_and_the_first_reason_counts(
    read: Callable, reason: str, text: str
):
    games = read(
        text,
        drop_bots=True,
        elo_min=1800,
        elo_max=1900,
        time_control="blitz",
        date_min="2024-01-01",
    )
    assert reasons(games) == {reason: 1}


@pytest.mark.parametrize(
    ("reason", "moves", "result"),
    [
        ("illegal_move", "1. e4 Ke4", "1-0"),
        ("malformed", "1. e4 Sf6", "1-0"),
        ("malformed", "1. e4 { no end", ""),
        ("empty", "", "1-0"),
        ("too_long", "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4", "1-0"),
        ("too_short", "1. e4", "1-0"),
        ("too_short", "1. e4", "*"),
        ("no_outcome", "1. e4 e5", "*"),
        (None, "1. e4 e5", "1/2-1/2"),
        (None, "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6", "1-0"),
    ],
)
def test_moves_are_judged_behind_the_tags(
    read: Callable, reason: str | None, moves: str, result: str
):
    games = read(tagged(moves, result), min_ply=2, max_ply=6)
    assert reasons(games) == ({reason: 1} if reason else {})


@pytest.mark.parametrize("ending", ["Abandoned", "Rules infraction", "Unterminated"])
def test_a_game_without_an_outcome_is_dropped_unless_the_board_has_one(read: Callable, ending: str):
    mate = tagged("1. f3 e5 2. g4 Qh4#", "0-1", Termination=ending)
    games = read(tagged(Termination=ending), mate)
    assert (reasons(games), games.numbers.tolist()) == ({"no_outcome": 1}, [1])
    assert read(tagged(Termination=ending), require_outcome=False).outcomes.tolist() == [-1]


@pytest.mark.parametrize(
    ("moves", "n_plies"),
    [
        (SHUFFLE * 4 + "5. e4 e5", 16),
        (SHUFFLE * 4 + "5. Ke4 hello", 16),
        ("1. f3 e5 2. g4 Qh4# 3. e4 e5", 4),
    ],
)
def test_moves_after_the_end_are_cut_off_and_counted(read: Callable, moves: str, n_plies: int):
    games = read(tagged(moves, "1-0"), tagged(), max_ply=n_plies)
    assert (games.report["kept"], games.report["cut"]) == (2, 1)
    assert games.offsets.tolist() == [0, n_plies, n_plies + 2]
    checks = engine.check_flat_games(games.tokens, games.offsets)
    assert (checks.outcomes[0], checks.first_illegal[0]) == (games.outcomes[0], -1)


def test_a_game_of_the_other_vocabulary_has_the_same_digest(read: Callable):
    texts = [tagged("1. a4 h5 2. a5 h4 3. a6 h3 4. axb7 hxg2 5. bxa8=Q gxh1=N"), tagged()]
    games, legacy = read(*texts), read(*texts, vocabulary="coordinate")
    assert games.digests.tolist() == legacy.digests.tolist()
    assert legacy.outcomes.tolist() == [-1, -1]
    to_uci = engine.export_move_vocabulary("coordinate").moves
    board = chess.Board()
    for token in legacy.tokens[: legacy.offsets[1]]:
        board.push_uci(to_uci[token])
    assert board.fen().startswith("Qnbqkbnr/")


def test_rare_kinds_of_games_are_counted(read: Callable):
    games = read(*(tagged(**tags) for tags in RARE), drop_bots=True)
    assert reasons(games) == {"variant": 1, "bot": 2, "custom_start": 1}
