"""Make real-looking games without a network: a chess program against itself at many strengths.

Writes PGN as the Lichess database has it, with ratings, clocks, resignations, agreed draws and flag
falls. Games of a seed are the same again, whatever the number of workers. What is done so far is in
OUTPUT.part: the same command goes on where it was stopped. A .zst output needs the program zstd.
"""

import argparse
import multiprocessing
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Self

from engine_games import TimeControl, Wishes, play_game
from engine_pgn import text_of

from pawn_core.programs import find_program
from pawn_core.tasks.analysis.search_process import SearchProcess

_GAMES_AT_ONCE = 8
_END = b"\n\n\n"
"""Of a game's text."""
_SAY_EVERY_S = 5


def main() -> int:
    """Make games as the command line says and return the exit code."""
    options = parser().parse_args()
    try:
        write_games(options)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"make_games: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmake_games: stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--output", type=Path, required=True, help="a .pgn or .pgn.zst file")
    flags.add_argument("--games", type=int, default=1000)
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--engine", default="stockfish", help="stockfish, gnuchess or a path")
    flags.add_argument("--elo-min", type=int, default=800, help="least rating")
    flags.add_argument("--elo-max", type=int, default=2400, help="every rating is below it")
    flags.add_argument(
        "--nodes", type=int, default=200, help="positions searched a move (GNU Chess: 2 plies)"
    )
    flags.add_argument(
        "--depth", type=int, help="plies searched, in place of --nodes; GNU Chess: 2"
    )
    flags.add_argument("--lines", type=int, default=4, help="moves compared (MultiPV)")
    flags.add_argument("--opening-plies", type=int, default=2, help="random plies at the start")
    flags.add_argument(
        "--time-control",
        type=time_control,
        nargs="+",
        default=[TimeControl(*c) for c in ((60, 0), (180, 0), (180, 2), (300, 3), (600, 0))],
        help="such as 180+2; of several, a game has any",
    )
    flags.add_argument("--bots", type=float, default=0.0, help="share of players titled BOT")
    flags.add_argument("--workers", type=int, default=1, help="programs at once")
    return flags


def time_control(text: str) -> TimeControl:
    """Read `180+2`."""
    base_s, increment_s = text.split("+")
    return TimeControl(int(base_s), int(increment_s))


def check(options: argparse.Namespace) -> None:
    """Refuse what makes no games.

    Raises:
        ValueError: a number is out of range, or the output is no PGN.
        FileNotFoundError: the chess program is not there.
    """
    find_program(options.engine)
    if options.elo_min >= options.elo_max:
        raise ValueError(f"--elo-min {options.elo_min} is not below --elo-max {options.elo_max}")
    for name in ("games", "nodes", "lines", "workers"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} {getattr(options, name)} is out of range; allowed: 1 up")
    if not options.output.name.endswith((".pgn", ".pgn.zst")):
        raise ValueError(f"--output {options.output} is neither a .pgn nor a .pgn.zst file")
    if options.output.suffix == ".zst" and shutil.which("zstd") is None:
        raise ValueError("--output: .zst needs the program zstd (Debian: apt-get install zstd)")


class Maker:
    """Makes games by number, in a process of its own or in this one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._wishes = Wishes(
            options.seed,
            options.elo_min,
            options.elo_max,
            tuple(options.time_control),
            options.opening_plies,
            options.bots,
        )
        self._program = SearchProcess(options.engine, options.lines, _limit(options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program."""
        self._program.close()

    def texts(self, numbers: range) -> bytes:
        """Return games as PGN."""
        games = (play_game(self._program, number, self._wishes) for number in numbers)
        return "".join(text_of(*game) for game in games).encode()


def _limit(options: argparse.Namespace) -> str:
    """Return what ends a search; GNU Chess does not listen to a number of nodes."""
    depth = options.depth or (2 if "gnuchess" in options.engine else None)
    return f"nodes {options.nodes}" if depth is None else f"depth {depth}"


_makers: list[Maker] = []
"""The one of a worker."""


def _begin_worker(options: argparse.Namespace) -> None:
    maker = Maker(options)
    _makers.append(maker)
    Finalize(maker, maker.close, exitpriority=0)


def _texts(numbers: range) -> bytes:
    return _makers[0].texts(numbers)


def write_games(options: argparse.Namespace) -> None:
    """Write the games that are missing, then the whole file in one step."""
    check(options)
    part = options.output.with_name(f"{options.output.name}.part")
    done = first = _games_in(part, options)
    begin = time.monotonic()
    said = begin
    with part.open("ab") as file:
        for text in _all_texts(options, first):
            file.write(text)
            file.flush()
            done += text.count(_END)
            if time.monotonic() - said > _SAY_EVERY_S:
                said = time.monotonic()
                _say(done, options.games, (done - first) / (said - begin))
    _say(done, options.games, (done - first) / (time.monotonic() - begin))
    _finish(part, options.output)


def _all_texts(options: argparse.Namespace, first: int) -> Iterator[bytes]:
    """Yield the games from the first on, in order."""
    chunks = [
        range(start, min(start + _GAMES_AT_ONCE, options.games))
        for start in range(first, options.games, _GAMES_AT_ONCE)
    ]
    if options.workers == 1:
        with Maker(options) as maker:
            yield from map(maker.texts, chunks)
        return
    context = multiprocessing.get_context("spawn")  # the engine's threads do not outlive a fork
    pool = ProcessPoolExecutor(options.workers, context, _begin_worker, (options,))
    try:
        yield from pool.map(_texts, chunks)
    finally:
        pool.shutdown(cancel_futures=True)


def _games_in(part: Path, options: argparse.Namespace) -> int:
    """Return the whole games in the part, and cut off the rest.

    Raises:
        ValueError: they are not what these options make.
    """
    if not part.exists():
        return 0
    text = part.read_bytes()
    whole = text[: text.rfind(_END) + len(_END)] if _END in text else b""
    games = whole.count(_END)
    if games and not whole.endswith(_text(games - 1, options)):
        raise ValueError(f"{part} is of other options; remove it, or name another --output")
    with part.open("r+b") as file:
        file.truncate(len(whole))
    return games


def _text(number: int, options: argparse.Namespace) -> bytes:
    with Maker(options) as maker:
        return maker.texts(range(number, number + 1))


def _finish(part: Path, output: Path) -> None:
    if output.suffix == ".zst":
        packed = part.with_suffix(".packed")
        subprocess.run(["zstd", "--quiet", "--force", part, "-o", packed], check=True)
        packed.replace(output)
        part.unlink()
    else:
        part.replace(output)


def _say(done: int, games: int, rate: float) -> None:
    print(f"{done} of {games} games, {rate:.1f}/s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
