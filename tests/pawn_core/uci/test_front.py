"""The UCI front, a line at a time: what it answers, also to nonsense."""

import random
import threading

import chess
import pytest
from fronts import Heard, errors_in, moves_in

from pawn_core.uci.choices import Choice

FEN = "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1"
SHREDDER_FEN = "bqnb1rkr/pp3ppp/3ppn2/2p5/5P2/P2P4/NPP1P1PP/BQ1BNRKR w HFhf - 2 9"
MATED = "position startpos moves f2f3 e7e5 g2g4 d8h4"


class Slow:
    """Chooses when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked = 0

    def choose(self, _position, allowed, _settings) -> Choice:
        self.asked += 1
        assert self.let.wait(60)
        return Choice(sorted(allowed)[0])


def test_it_introduces_itself_before_it_loads_and_is_ready_after() -> None:
    heard = Heard(temperature=0.5)
    lines = heard("uci")
    assert lines[0] == "id name PAWN known"
    assert "option name Temperature type string default 0.5" in lines
    assert lines[-1] == "uciok"
    assert heard("isready") == ["readyok"]
    assert heard.loads == 1


def test_it_plays_without_having_been_greeted() -> None:
    assert Heard().move("position startpos moves e2e4", "go depth 3") in legal("e2e4")


def legal(*ucis: str) -> set[str]:
    board = chess.Board()
    for uci in ucis:
        board.push_uci(uci)
    return {move.uci() for move in board.legal_moves}


def test_the_policy_is_over_the_legal_moves() -> None:
    (policy,) = [s for s in Heard()("position startpos moves e2e4", "go") if " policy " in s]
    words = policy.split()[3:]
    assert set(words[::2]) <= legal("e2e4")
    assert {float(word) for word in words[1::2]} == {1 / 20}


def test_the_last_position_counts() -> None:
    heard = Heard(temperature=0)
    one = heard.move("position startpos moves e2e4", "go")
    assert one == heard.move(MATED, "position startpos moves e2e4", "go")
    assert heard.move("position startpos moves e2e4 e7e5", "go") in legal("e2e4", "e7e5")


def test_the_same_question_has_the_same_answer_until_a_new_game() -> None:
    heard = Heard()
    first = [heard.move("position startpos moves e2e4 e7e5", "go") for _ in range(3)]
    assert len(set(first)) == 1
    others = [heard.move("ucinewgame", "position startpos moves e2e4 e7e5", "go") for _ in range(9)]
    assert len(set(others)) > 2
    heard("setoption name Game value 0")
    assert heard.move("position startpos moves e2e4 e7e5", "go") == first[0]


def test_the_first_new_game_is_game_0() -> None:
    position = "position startpos moves e2e4 e7e5"
    greeted = [Heard().move("ucinewgame", "ucinewgame", position, "go") for _ in range(2)]
    assert {*greeted, Heard().move(position, "go")} == {greeted[0]}


def test_other_seeds_draw_other_moves_and_temperature_0_none() -> None:
    position = "position startpos moves e2e4 e7e5"
    drawn = {Heard(seed=seed).move(position, "go") for seed in range(9)}
    likeliest = {Heard(seed=seed, temperature=0.0).move(position, "go") for seed in range(9)}
    assert (len(drawn) > 2, len(likeliest)) == (True, 1)


def test_an_endless_search_answers_when_it_is_stopped() -> None:
    heard = Heard()
    for word, end in (("infinite", "stop"), ("ponder wtime 9 btime 9", "ponderhit")):
        assert moves_in(heard(f"go {word}", "isready")) == []
        assert len(moves_in(heard(end))) == 1
        assert heard("stop", "ponderhit") == []


def test_each_go_has_one_answer_even_if_nobody_stopped_the_last() -> None:
    heard = Heard()
    assert len(moves_in(heard("go infinite", "go infinite", "go", "ucinewgame"))) == 3
    assert len(moves_in(heard("go infinite", "ucinewgame"))) == 1


@pytest.mark.parametrize("limit", ["movetime 30", "wtime 30 btime 1", "movetime 2 wtime 9000"])
def test_a_move_is_out_in_its_time_though_the_model_is_not_done(limit: str) -> None:
    slow = Slow()
    heard = Heard(slow)
    lines = heard("position startpos", f"go {limit}")
    assert moves_in(lines)[0] in legal()
    assert errors_in(lines) == [
        "info string error the model takes longer than that; any legal move is played"
    ]
    slow.let.set()
    assert heard.move("go movetime 60000") == "a2a3"


def test_searches_that_were_given_up_before_they_began_are_not_made_up_for() -> None:
    slow = Slow()
    heard = Heard(slow)
    assert len(moves_in(heard("position startpos", *["go movetime 10"] * 5))) == 5
    slow.let.set()
    assert heard.move("go") == "a2a3"
    assert slow.asked == 2


def test_a_clock_that_ran_out_limits_nothing() -> None:
    slow = Slow()
    slow.let.set()
    assert Heard(slow).move("position startpos", "go wtime -20 btime 5") == "a2a3"


def test_it_chooses_among_the_moves_that_are_asked_for() -> None:
    heard = Heard()
    assert heard.move("go searchmoves a2a3 movetime 100000") == "a2a3"
    assert heard.move("position startpos moves e2e4", "go searchmoves e7e5") == "e7e5"
    assert heard.move("go searchmoves e2e4") == "(none)"


@pytest.mark.parametrize("position", [MATED, "position fen 7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"])
def test_where_the_game_is_over_there_is_no_move(position: str) -> None:
    assert Heard().move(position, "go") == "(none)"


@pytest.mark.parametrize(
    "position",
    [
        "position startpos moves e2e4 e7e6 e4e6",
        "position startpos moves e2e4 0000",
        "position startpos moves e1h1",
        f"position fen {SHREDDER_FEN}",
        "position fen 8/8/8/8/8/8/8/8 w - - 0 1",
        "position fen",
        "position",
        "position startpos e2e4",
        "position endpos moves e2e4",
    ],
)
def test_what_is_no_position_of_chess_is_refused_and_no_move_made_up(position: str) -> None:
    heard = Heard()
    heard("position startpos moves e2e4")
    assert len(errors_in(heard(position))) == 1
    assert heard.move("go") == "(none)"
    assert heard.move("position startpos moves e2e4", "go") in legal("e2e4")


def test_a_fen_from_nowhere_is_said_to_be_unknown_and_played_at_random() -> None:
    lines = Heard()(f"position fen {FEN} moves e2e4", "go")
    assert "knows games from the start position only" in errors_in(lines)[0]
    board = chess.Board(FEN)
    board.push_uci("e2e4")
    assert chess.Move.from_uci(moves_in(lines)[0]) in board.legal_moves
    again = Heard()(f"position fen {FEN} moves e2e4", "go")
    assert again[1:] == lines[1:]


def test_the_fen_of_the_start_is_the_start() -> None:
    heard = Heard(temperature=0)
    by_fen = heard.move(f"position fen {chess.STARTING_FEN} moves e2e4", "go")
    assert by_fen == heard.move("position startpos moves e2e4", "go")
    assert errors_in(heard.lines) == []


def test_a_game_longer_than_the_context_goes_on_legally() -> None:
    shuffle = ["g1f3", "g8f6", "f3g1", "f6g8"] * 20
    heard = Heard()
    for plies in (62, 63, 64, 79):
        lines = heard(f"position startpos moves {' '.join(shuffle[:plies])}", "go")
        assert moves_in(lines)[0] in legal(*shuffle[:plies])
        assert len(errors_in(lines)) == (plies >= 63)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("setoption name UCI_Chess960 value true", "option 'UCI_Chess960' is unknown (chess alone"),
        ("setoption name UCI_Variant value atomic", "option 'UCI_Variant' is unknown"),
        ("setoption", "option '' is unknown"),
        ("setoption name Temperature value warm", "Temperature 'warm': allowed: float of 0.0 to"),
        ("setoption name Temperature value nan", "Temperature 'nan': allowed: float of 0.0 to"),
        ("setoption name Temperature", "Temperature '': allowed"),
        ("setoption name Seed value -1", "Seed '-1': allowed: int of 0 to 2147483647"),
        ("setoption name Threads value 1000000", "Threads '1000000': allowed: int of 1 to"),
        ("go movetime soon", "go: movetime 'soon' is no number of milliseconds; it is not limited"),
    ],
)
def test_what_cannot_be_is_said(line: str, error: str) -> None:
    (said,) = errors_in(Heard()(line))
    assert error in said


def test_names_of_options_are_found_in_any_case() -> None:
    heard = Heard(seed=1)
    assert heard("setoption name tEMPERATURE value 0", "setoption name seed value 7") == []
    hot = Heard(seed=7, temperature=0.0)
    position = "position startpos moves e2e4 e7e5"
    assert heard.move(position, "go") == hot.move(position, "go")


WORDS = (
    "uci isready ucinewgame position startpos fen moves e2e4 e7e5 g1f3 e1g1 0000 a7a8q go infinite "
    "ponder movetime wtime btime searchmoves depth nodes stop ponderhit setoption name value "
    "Temperature Seed Game Threads -1 0 1 99999999999999999999 1e400 nan debug register "
    f"\x00 \ufffd é {FEN} {SHREDDER_FEN}"
).split(" ")


def nonsense(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return rng.randbytes(rng.randrange(40)).decode(errors="replace")
    if rng.random() < 0.5:
        return rng.choice(["position startpos moves e2e4 e7e5", "go movetime 60000", "go", "stop"])
    return " ".join(rng.choices(WORDS, k=rng.randrange(1, 9)))


def test_nonsense_never_ends_it_and_every_go_has_one_legal_answer() -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    rng, heard, asked = random.Random(seed), Heard(), 0
    for _ in range(1500):
        line = nonsense(rng)
        asked += line.split()[:1] == ["go"]
        said = heard(line)
        assert all("\n" not in s and s.isprintable() for s in said)
    heard("stop")
    answers = moves_in(heard.lines)
    assert len(answers) == asked
    assert all(answer == "(none)" or chess.Move.from_uci(answer) for answer in answers)
    assert heard.move("position startpos moves e2e4", "go") in legal("e2e4")
