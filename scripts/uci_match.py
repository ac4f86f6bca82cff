"""Let two chess programs play a match over UCI: random openings, each played with both colours.

    python scripts/uci_match.py --pgn match.pgn \\
        --first "pawn-lab uci --source trial:12@best" \\
        --second stockfish --second-option "Skill Level=0" --nodes 100

The games go to the PGN file as pairs are over; the score, its interval and Elo are printed.
"""

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pawn_core.evaluation.generated.sampled_games import SampledGames
from pawn_core.evaluation.play import match_pgn
from pawn_core.evaluation.play.elo import PAIR_SCORES, elo, mean_score
from pawn_core.evaluation.play.matches import Rules, play_pairs, white_scores
from pawn_core.evaluation.play.players import BOARD
from pawn_core.evaluation.play.uci_engines import EngineFault, EnginePlayer, EngineSpec
from pawn_core.signals import Interrupted, StopFlag


def main() -> int:
    """Play as the command line says and return the exit code."""
    options = parser().parse_args()
    try:
        scores_p = np.concatenate(list(played(options)))
    except (EngineFault, OSError, ValueError) as error:
        print(f"uci_match: {error}", file=sys.stderr)
        return 2
    except Interrupted:
        print(f"uci_match: stopped; the games so far are in {options.pgn}", file=sys.stderr)
        return 130
    print(verdict(scores_p))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("first", "second"):
        flags.add_argument(f"--{name}", required=True, help="command of a program")
        flags.add_argument(
            f"--{name}-option", type=option, action="append", default=[], help="NAME=VALUE"
        )
    flags.add_argument("--pairs", type=int, default=8)
    flags.add_argument("--seed", type=int, default=0, help="of the openings")
    flags.add_argument("--opening-plies", type=int, default=8)
    flags.add_argument("--max-ply", type=int, default=512, help="plies after which it is a draw")
    flags.add_argument("--nodes", type=int, default=100, help="positions searched for a move")
    flags.add_argument("--timeout", type=float, default=60.0, help="seconds of silence allowed")
    flags.add_argument("--pgn", type=Path, required=True, help="file of the games")
    return flags


def option(text: str) -> tuple[str, str | int]:
    """Read `Skill Level=0`."""
    name, _, value = text.partition("=")
    return name, int(value) if value.isdecimal() else value


def played(options: argparse.Namespace) -> Iterator[np.ndarray]:
    """Play pair after pair; yield the first program's mean score of each."""
    if options.pairs < 1:
        raise ValueError(f"--pairs {options.pairs} is out of range; allowed: 1 up")
    stop = StopFlag().install()
    rules = Rules(options.seed, options.opening_plies, options.max_ply)
    first = spec(options.first, options.first_option, options)
    second = spec(options.second, options.second_option, options)
    match_pgn.begin(options.pgn, "")
    for pair in range(options.pairs):
        with EnginePlayer(first) as one, EnginePlayer(second) as other:
            games = play_pairs((one, other), range(pair, pair + 1), rules, stop)
            names = (one.name, other.name)
        yield recorded(games, pair, match_pgn.Tags("match", names, rules.opening_plies), options)


def spec(
    command: str, settings: list[tuple[str, str | int]], options: argparse.Namespace
) -> EngineSpec:
    """Return a program and how it is to play."""
    program, *arguments = shlex.split(command)
    return EngineSpec(
        program,
        tuple(arguments),
        options=dict(settings),
        nodes=options.nodes,
        timeout_s=options.timeout,
    )


def recorded(
    games: SampledGames, pair: int, tags: match_pgn.Tags, options: argparse.Namespace
) -> np.ndarray:
    """Keep a pair's games and return the first program's mean score."""
    scores_b = white_scores(games.endings_b, games.lengths_b)
    match_pgn.append(options.pgn, match_pgn.pgn_of(games, scores_b, pair, tags, BOARD))
    won = [scores_b[0], 1 - scores_b[1]]
    print(f"pair {pair + 1} of {options.pairs}: {' and '.join(f'{s:g}' for s in won)}", flush=True)
    return np.array([sum(won) / 2])


def verdict(scores_p: np.ndarray) -> str:
    """Return the score and the Elo difference with their 95 % intervals."""
    counts = [int((scores_p == score).sum()) for score in PAIR_SCORES]
    score = mean_score(counts)
    ends = ["-inf" if s == 0 else "inf" if s == 1 else f"{elo(s):.0f}" for s in score]
    return (
        f"first program: score {score.value:.3f} ({score.low:.3f} to {score.high:.3f}), "
        f"Elo {ends[0]} ({ends[1]} to {ends[2]}), {len(scores_p)} pairs, by score of the pair: "
        + ", ".join(f"{s:g}: {n}" for s, n in zip(PAIR_SCORES, counts, strict=True))
    )


if __name__ == "__main__":
    sys.exit(main())
