"""PGN files of real games, seeded: famous, odd and broken ones, by people and by programs."""

import numpy as np
from odd_games import MOVETEXTS, TYPESET
from real_games import GAMES

ELOS = ["1500", "1799", "1800", "1850?", "1899", "1900", "2400", "?", "", "0"]
CONTROLS = ["15+0", "60+1", "180+2", "300", "600+5", "1800+20", "40/7200:3600", "-", "?", "*180"]
DATES = ["2023.12.31", "2024.01.01", "2024.01.31", "2024.??.??", "????.??.??", "2024.02.30"]
RESULTS = ["1-0", "0-1", "1/2-1/2", "*"]
ENDINGS = ["Normal", "Time forfeit", "Abandoned", "Rules infraction", "Unterminated"]
START = "8/8/8/8/8/8/8/K1k5 w - - 0 1"
RARE = [{"Variant": "Atomic"}, {"WhiteTitle": "BOT"}, {"BlackType": "program"}, {"FEN": START}]

FAMOUS = [moves for _, moves in GAMES.values()]
ODD = [text.rsplit(" ", 1)[0] for text in MOVETEXTS.values()] + list(TYPESET.values())
BROKEN = [
    "1. e4 e5 2. Ke3",
    "1. e4 { no end",
    "1. e4 (1. d4",
    "1. e4 } e5",
    "1. Sf3",
    "",
    "1. f3 e5 2. g4 Qh4#0-1",
    "1. e4 e5 1-0 1. d4 d5",
    "1. e4 e5\n\n2. Nf3",
    "1. Nf3 Nf6 2. Ng1 Ng8 " * 4 + "1. e4",
]
COMMENTED = [
    moves.replace("\n", " ").replace(" ", " { [%clk 0:01:00] 1-0 * (; } ") for moves in FAMOUS[:4]
]
VARIED = [moves.replace(". ", ". (1-0 {*} (1. e4)) $1 ", 4) for moves in FAMOUS[:3]]


def tagged(moves: str = "1. e4 e5", result: str = "1-0", **tags: str) -> str:
    """The text of one game."""
    lines = [f'[{name} "{value}"]\n' for name, value in {"Event": "?", **tags}.items()]
    return "".join(lines) + f"\n{moves} {result}\n\n"


def mixed(n_games: int, seed: int) -> str:
    """The text of many games."""
    rng = np.random.default_rng(seed)

    def pick(values: list) -> object:
        return values[rng.integers(len(values))]

    def game() -> str:
        tags = {
            "WhiteElo": pick(ELOS),
            "BlackElo": pick(ELOS),
            "TimeControl": pick(CONTROLS),
            "UTCDate": pick(DATES),
            "Termination": pick(ENDINGS),
        }
        tags |= pick(RARE) if rng.random() < 0.1 else {}
        moves = pick(pick([FAMOUS, FAMOUS, ODD, BROKEN, COMMENTED, VARIED]))
        gap = pick(["", "", "\n\n", "junk\n\n", "% escaped [Event\n", "1-0\n"])
        return tagged(moves, pick(RESULTS), **tags) + gap

    return "".join(game() for _ in range(n_games))
