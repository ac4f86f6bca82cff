"""A chess program that searches positions one after the other, spoken to in UCI over pipes."""

import os
import shutil
import subprocess
from typing import NamedTuple, Self

from pawn_core.prctl import die_with_parent

_ELSEWHERE = "/usr/games"
"""Where Debian installs chess programs, which is not on everyone's PATH."""
_STEADY = {"Threads": "1", "Hash": "4", "OwnBook": "false"}
_MATE = 32767
_QUIT_S = 2.0


class Line(NamedTuple):
    """A move and what it is worth to the side that plays it."""

    uci: str
    centipawns: int
    """A mate in n: 32767 - n; being mated in n: n - 32767."""


class SearchProcess:
    """A program with one thread and a small hash table; used as a context manager.

    Args:
        command: a path, or a name on the PATH or in /usr/games.
        lines: moves to compare in each position, where the program can (MultiPV).
        limit: of a search, as `go` has it: `nodes 200`, `depth 2`.

    Raises:
        FileNotFoundError: there is no such program.
        RuntimeError: the program ended.
    """

    def __init__(self, command: str, lines: int, limit: str) -> None:
        self._limit = limit
        self._process = subprocess.Popen(
            _arguments(find_program(command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        options = self._options()
        for name, value in (_STEADY | {"MultiPV": str(lines)}).items():
            if name in options:
                self._say(f"setoption name {name} value {value}")
        self.compares = "MultiPV" in options
        """Whether it gives several moves of a position."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program."""
        self._process.kill()  # GNU Chess does not end with its input
        self._process.wait(_QUIT_S)

    def new_game(self) -> None:
        """Forget what earlier searches found."""
        self._say("ucinewgame")

    def search(self, ucis: list[str]) -> list[Line]:
        """Return the moves that it compared after these, the best first."""
        self._say(f"position startpos moves {' '.join(ucis)}")
        self._say(f"go {self._limit}")
        lines: dict[str, Line] = {}
        while True:
            words = self._hear()
            if words[0] == "bestmove":
                return list(lines.values()) or [Line(words[1], 0)]
            if "score" in words and "pv" in words:
                rank = words[words.index("multipv") + 1] if "multipv" in words else "1"
                lines[rank] = Line(words[words.index("pv") + 1], _centipawns(words))

    def _options(self) -> set[str]:
        self._say("uci")
        options: set[str] = set()
        while (words := self._hear()) != ["uciok"]:
            if words[:2] == ["option", "name"]:
                options.add(" ".join(words[2 : words.index("type")]))
        return options

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def _hear(self) -> list[str]:
        """Return the words of the next line that has some."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.flush()
        for line in self._process.stdout:
            if words := line.decode(errors="replace").split():
                return words
        raise RuntimeError(f"{self._process.args!r} ended with exit code {self._process.wait()}")


def find_program(command: str) -> str:
    """Return the path of a program.

    Raises:
        FileNotFoundError: there is none of this name.
    """
    path = shutil.which(command, path=f"{os.environ.get('PATH', os.defpath)}:{_ELSEWHERE}")
    if path is None:
        raise FileNotFoundError(
            f"no chess program {command!r} on the PATH or in {_ELSEWHERE}; install it "
            "(Debian: apt-get install stockfish gnuchess) or give its path"
        )
    return path


def _arguments(path: str) -> list[str]:
    """Return the command line: GNU Chess speaks UCI only where it is told to."""
    return [path, "--uci"] if os.path.basename(path).startswith("gnuchess") else [path]  # noqa: PTH119


def _centipawns(words: list[str]) -> int:
    kind, number = words[words.index("score") + 1], int(words[words.index("score") + 2])
    if kind == "cp":
        return number
    return _MATE - number if number > 0 else -_MATE - number
