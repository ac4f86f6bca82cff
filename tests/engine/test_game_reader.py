"""Real games as flat columns: `GameReader` against python-chess and the padded reader."""

import io
import json
import secrets
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import chess.pgn
import chess_engine as engine
import numpy as np
import pytest
from real_files import ELOS, ENDINGS, FAMOUS, RESULTS, mixed, tagged
from test_pgn import raw_frame
from test_pgn_compressed import COMPRESSIONS

VOCABULARY = engine.export_move_vocabulary()
NAMES = {token: name for name, token in VOCABULARY.outcomes.items()}
FIELDS = ("outcomes", "white_elo", "black_elo", "numbers", "digests")
FILTERS: dict[str, dict] = {
    "nothing": {"require_outcome": False},
    "outcomes": {},
    "elo": {"elo_min": 1800, "elo_max": 1900},
    "clock": {"time_control": "300+0"},
    "speeds": {"time_control": "blitz, correspondence"},
    "dates": {"date_min": "2024-01-01", "date_max": "2024-01-31"},
    "people": {"drop_bots": True},
    "length": {"min_ply": 40, "max_ply": 80},
}


def columns(batches: list[engine.FlatGames]) -> dict[str, np.ndarray]:
    """The games of all batches, with lengths for offsets."""
    joined = {name: np.concatenate([getattr(b, name) for b in batches]) for name in FIELDS}
    joined["tokens"] = np.concatenate([b.tokens for b in batches])
    joined["lengths"] = np.concatenate([np.diff(b.offsets) for b in batches])
    return joined


def assert_same(left: list[engine.FlatGames], right: list[engine.FlatGames]) -> None:
    a, b = columns(left), columns(right)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    assert left[-1].report == right[-1].report
    assert left[-1].place == right[-1].place


@pytest.fixture
def pgn(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a file of this text."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "games.pgn"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def reference_outcome(game: chess.pgn.Game) -> str | None:
    board = game.end().board()
    if board.is_checkmate():
        return "black_checkmates" if board.turn else "white_checkmates"
    if board.is_stalemate():
        return "stalemate"
    result, ending = game.headers["Result"], game.headers["Termination"]
    side = {"1-0": "white", "0-1": "black"}.get(result)
    if result == "*" or ending not in ("Normal", "Time forfeit"):
        return None
    if ending == "Time forfeit":
        return f"{side}_wins_on_time" if side else "draw_by_time"
    return f"{side}_wins_by_resignation" if side else "draw_by_agreement"


def test_tokens_outcomes_elos_and_digests_are_those_of_python_chess(pgn: Callable):
    rng = np.random.default_rng(6)
    choose = lambda values: str(rng.choice(values))  # noqa: E731
    texts = [
        tagged(moves, choose(RESULTS), Termination=choose(ENDINGS), WhiteElo=choose(ELOS[:7]))
        for moves in FAMOUS * 3
    ]
    (games,) = engine.GameReader(pgn("".join(texts)), require_outcome=False)
    for i, text in enumerate(texts):
        game = chess.pgn.read_game(io.StringIO(text))
        assert game is not None
        moves = [VOCABULARY.move_ids[move.uci()] for move in game.mainline_moves()]
        assert games.tokens[games.offsets[i] : games.offsets[i + 1]].tolist() == moves
        digest = blake2b(np.array(moves, "<i2").tobytes(), digest_size=8).digest()
        assert int(games.digests[i]) == int.from_bytes(digest, "little")
        assert NAMES.get(int(games.outcomes[i])) == reference_outcome(game)
        assert games.white_elo[i] == int(game.headers["WhiteElo"].rstrip("?"))
    assert games.black_elo.tolist() == [-1] * len(texts)


def test_games_are_those_of_the_padded_reader(pgn: Callable):
    path = pgn(mixed(150, seed=1))
    reader = engine.GameReader(path, require_outcome=False)
    flat = columns(list(reader))
    padded = engine.parse_pgn_file(path, annotations=False)
    # The padded reader drops games whose moves go on after their end.
    assert reader.report["cut"] == padded.report["moves_after_end"] > 0
    same = np.isin(flat["numbers"], padded.numbers)
    assert (~same).sum() == reader.report["cut"]
    rows = zip(padded.tokens, padded.lengths, strict=True)
    tokens = flat["tokens"][np.repeat(same, flat["lengths"])]
    np.testing.assert_array_equal(tokens, np.concatenate([row[:n] for row, n in rows]))
    for name in ("lengths", "outcomes", "white_elo", "black_elo", "numbers"):
        np.testing.assert_array_equal(flat[name][same], getattr(padded, name))


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_takes_games_away_and_changes_nothing_else(pgn: Callable, name: str):
    path = pgn(mixed(150, seed=2))
    reader = engine.GameReader(path, require_outcome=False)
    everything, chosen = columns(list(reader)), list(engine.GameReader(path, **FILTERS[name]))
    assert chosen[-1].report["read"] == reader.report["read"]
    kept = np.isin(everything["numbers"], columns(chosen)["numbers"])
    assert kept.sum() == chosen[-1].report["kept"] > 0
    for field in (*FIELDS, "lengths"):
        np.testing.assert_array_equal(everything[field][kept], columns(chosen)[field])
    tokens = everything["tokens"][np.repeat(kept, everything["lengths"])]
    np.testing.assert_array_equal(tokens, columns(chosen)["tokens"])


def in_pieces(path: Path, filters: dict, rng: np.random.Generator) -> Iterator[engine.FlatGames]:
    """Read by many readers, each of which goes on where one before stopped."""
    place, is_over = None, False
    while not is_over:
        reader = engine.GameReader(
            path,
            batch_size=int(rng.integers(1, 60)),
            start=place,
            threads=int(rng.integers(1, 4)),
            **filters,
        )
        n_batches = int(rng.integers(1, 4))
        batches = list(islice(reader, n_batches))
        yield from batches
        is_over = len(batches) < n_batches
        place = json.loads(json.dumps(batches[-1].place)) if batches else place


@pytest.mark.parametrize("compression", [None, *COMPRESSIONS])
def test_games_and_report_are_the_same_in_any_batches_on_any_threads_from_any_place(
    pgn: Callable, compression: str | None
):
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    text = mixed(250, seed).encode()
    if compression:
        cut = int(rng.integers(len(text)))
        text = b"".join(map(COMPRESSIONS[compression], (text[:cut], text[cut:])))
    path = pgn(text)
    for name in rng.choice(list(FILTERS), 2):
        filters = FILTERS[name]
        assert_same(list(in_pieces(path, filters, rng)), list(engine.GameReader(path, **filters)))


def test_a_file_of_macintoshes_goes_on_like_any_other(pgn: Callable):
    path = pgn(mixed(80, seed=3).replace("\n", "\r"))
    rng = np.random.default_rng(3)
    assert_same(list(in_pieces(path, {}, rng)), list(engine.GameReader(path)))


def test_a_line_that_is_escaped_is_one_from_any_place(pgn: Callable):
    path = pgn("1. e4 *% 1. d4 *\n% 1. c4 *\n1. f4 *\n")
    (whole,) = engine.GameReader(path, require_outcome=False)
    first = next(engine.GameReader(path, batch_size=1, require_outcome=False))
    (rest,) = engine.GameReader(path, start=first.place, require_outcome=False)
    assert_same([first, rest], [whole])


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("n_blank", [1, 2, 3])
def test_empty_lines_are_no_games(pgn: Callable, line_break: str, n_blank: int):
    text = tagged() * 3 + tagged(WhiteElo="1900")
    path = pgn(text.replace("\n\n", "\n" * (n_blank + 1)).replace("\n", line_break))
    (games,) = engine.GameReader(path)
    assert games.report["read"] == games.report["kept"] == 4
    (games,) = engine.GameReader(path, elo_min=1000)
    assert games.report["read"] == games.report["elo_unknown"] == 4


@pytest.mark.parametrize("text", ["", "\n\n", "nothing of a game\n", "\ufeff", "% 1. e4 *"])
def test_a_file_of_no_games_has_no_batch(pgn: Callable, text: str):
    reader = engine.GameReader(pgn(text))
    assert list(reader) == []
    assert reader.report["read"] == 0


@pytest.mark.parametrize("filters", [{}, {"elo_min": 3000}])
def test_a_file_cut_in_a_game_has_all_games_before(pgn: Callable, filters: dict):
    text = tagged("1. e4 { one } e5 2. Nf3", WhiteElo="1500", BlackElo="1500") * 3
    for length in range(len(text) - 70, len(text) - 8):
        (games,) = engine.GameReader(pgn(text[:length]), **filters)
        assert games.report["read"] == 3
        assert games.report["kept"] == len(games.numbers) >= (0 if filters else 2)


def test_a_compressed_file_that_breaks_off_says_so_behind_its_games(pgn: Callable):
    text = mixed(200, seed=4).encode()
    reader = engine.GameReader(pgn(raw_frame(text)[:-40]), batch_size=50)
    batches: list[engine.FlatGames] = []
    with pytest.raises(OSError, match=r"cut off, after \d+ whole games"):
        batches.extend(reader)
    whole = columns(list(engine.GameReader(pgn(text))))
    read = columns(batches)
    assert len(read["numbers"]) >= len(whole["numbers"]) - 2
    np.testing.assert_array_equal(read["tokens"], whole["tokens"][: len(read["tokens"])])


def test_the_last_batch_has_the_whole_report_and_all_bytes(pgn: Callable):
    path = pgn(tagged(WhiteElo="2000", BlackElo="2000") + tagged() * 5)
    *_, last = engine.GameReader(path, batch_size=1, elo_min=1000)
    assert (last.report["read"], last.report["kept"], len(last.numbers)) == (6, 1, 0)
    assert last.bytes_read == path.stat().st_size
    assert list(engine.GameReader(path, elo_min=1000, start=last.place)) == []


def test_a_narrow_filter_shows_that_reading_goes_on(pgn: Callable):
    path = pgn("1. e4 *\n\n" * 150_000)
    batches = list(engine.GameReader(path, elo_min=1000))
    assert [batch.report["read"] for batch in batches] == [65_536, 131_072, 150_000]
    assert all(len(batch.offsets) == 1 for batch in batches)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_that_ends_before_the_place_is_refused(pgn: Callable, compression: str | None):
    pack = COMPRESSIONS[compression] if compression else bytes
    place = next(engine.GameReader(pgn(pack(tagged().encode() * 9)), batch_size=8)).place
    short = pgn(pack(tagged().encode() * 2))
    with pytest.raises(OSError, match="ends before the place where reading should go on"):
        next(engine.GameReader(short, start=place))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer in"),
        ({"min_ply": 41, "max_ply": 40}, r"min_ply must be an integer in 0\.\.=40, got 41"),
        ({"elo_min": -1}, r"elo_min must be an integer in 0\.\.=10000, got -1"),
        ({"elo_min": 1900, "elo_max": 1900}, "elo_max must be above 1900.*, got 1900"),
        ({"time_control": "fast"}, 'time_control must be one clock .*ultrabullet.*, got "fast"'),
        ({"time_control": "40/300"}, "time_control must be"),
        ({"date_min": "2024.01.01"}, 'date_min must be a day as YYYY-MM-DD, got "2024.01.01"'),
        ({"date_max": "2023-02-29"}, "date_max must be a day"),
        ({"date_min": "2024-02-01", "date_max": "2024-01-01"}, "date_max must be above"),
        ({"start": {}}, "start must be the place of a batch of GameReader, got {}"),
        ({"start": "end"}, "start must be"),
        ({"vocabulary": "words"}, "searchless, coordinate"),
        ({"threads": 0}, "threads must be"),
    ],
)
def test_bad_arguments_are_refused_by_name(pgn: Callable, arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.GameReader(pgn(tagged()), **arguments)


@pytest.mark.parametrize("damage", [{"read": -1}, {"elo": 5}, {"byte": 2**63}, {"cut": "x"}])
def test_a_place_that_cannot_be_one_is_refused(pgn: Callable, damage: dict):
    path = pgn(tagged() * 3)
    place = next(engine.GameReader(path, batch_size=1)).place
    with pytest.raises(ValueError, match="start must be the place of a batch"):
        engine.GameReader(path, start=place | damage)


def test_the_source_digest_is_that_of_all_sources():
    sources = Path(__file__).parents[2] / "engine"
    digest = blake2b(digest_size=32)
    names = [path.relative_to(sources).as_posix() for path in sources.glob("src/**/*.rs")]
    for name in sorted(names, key=lambda name: name.split("/")):
        text = (sources / name).read_bytes()
        digest.update(f"{name} {len(text)}\n".encode() + text)
    assert digest.hexdigest() == engine.SOURCE_DIGEST
