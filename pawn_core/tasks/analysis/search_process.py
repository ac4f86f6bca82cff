"""A chess program that searches positions one after the other, spoken to in UCI over pipes."""

import contextlib
import os
import select
import subprocess
from typing import NamedTuple, Self

from pawn_core.prctl import die_with_parent
from pawn_core.programs import find_program

_STEADY = {"Threads": "1", "Hash": "4", "OwnBook": "false"}
_MATE = 32767
_QUIT_S = 30.0
_SILENT_S = 60.0
"""So long a program may say nothing while it searches."""


class Line(NamedTuple):
    """A move and what it is worth to the side that plays it."""

    uci: str
    centipawns: int
    """A mate in n: `mate` - n; being mated in n: n - `mate`."""


class SearchProcess:
    """A program with one thread and a small hash table; used as a context manager.

    Args:
        command: a path, or a name on the PATH or in /usr/games.
        lines: moves to compare in each position, where the program can (MultiPV).
        limit: of a search, as `go` has it: `nodes 200`, `depth 2`.
        mate: what mate at once would be worth, in centipawns.

    Raises:
        FileNotFoundError: there is no such program.
        RuntimeError: the program ended, or says nothing for a minute.
    """

    def __init__(self, command: str, lines: int, limit: str, mate: int = _MATE) -> None:
        self._limit, self._mate = limit, mate
        self._heard = bytearray()
        self._process = subprocess.Popen(
            _arguments(find_program(command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        self.name = ""
        """What it calls itself, its version included."""
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

    def kill(self) -> None:
        """End the program, in a search of another thread too, which then raises."""
        self._process.kill()  # GNU Chess does not end with its input

    def close(self) -> None:
        """End the program, and give up its pipes."""
        self.kill()
        self._process.wait(_QUIT_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what it never read
                pipe.close()

    def new_game(self) -> None:
        """Forget what earlier searches found."""
        self._say("ucinewgame")

    def search(self, ucis: list[str], fen: str | None = None) -> list[Line]:
        """Return the moves that it compared after these, the best first.

        Args:
            ucis: moves played.
            fen: where they began; default: the starting position.
        """
        begin = f"fen {fen}" if fen else "startpos"
        self._say(f"position {begin} moves {' '.join(ucis)}")
        self._say(f"go {self._limit}")
        lines: dict[str, Line] = {}
        while True:
            words = self._hear()
            if words[0] == "bestmove":
                return list(lines.values()) or [Line(words[1], 0)]
            if "score" in words and "pv" in words:
                rank = words[words.index("multipv") + 1] if "multipv" in words else "1"
                lines[rank] = Line(words[words.index("pv") + 1], self._worth(words))

    def _options(self) -> set[str]:
        self._say("uci")
        options: set[str] = set()
        while (words := self._hear()) != ["uciok"]:
            if words[:2] == ["id", "name"]:
                self.name = " ".join(words[2:])
            if words[:2] == ["option", "name"]:
                options.add(" ".join(words[2 : words.index("type")]))
        return options

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def _worth(self, words: list[str]) -> int:
        kind, number = words[words.index("score") + 1], int(words[words.index("score") + 2])
        if kind == "cp":
            return number
        return self._mate - number if number > 0 else -self._mate - number

    def _hear(self) -> list[str]:
        """Return the words of the next line that has some."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what it said last may tell why
            self._process.stdin.flush()
        while not (words := self._line().split()):
            pass
        return words

    def _line(self) -> str:
        assert self._process.stdout is not None
        while (end := self._heard.find(b"\n")) < 0:
            if not select.select([self._process.stdout], [], [], _SILENT_S)[0]:
                self._process.kill()
                raise RuntimeError(f"{self._process.args!r} said nothing for {_SILENT_S:g} s")
            said = os.read(self._process.stdout.fileno(), 1 << 16)
            if not said:
                code = self._process.wait()
                raise RuntimeError(f"{self._process.args!r} ended with exit code {code}")
            self._heard += said
        line = self._heard[:end].decode(errors="replace")
        del self._heard[: end + 1]
        return line


def _arguments(path: str) -> list[str]:
    """Return the command line: GNU Chess speaks UCI only where it is told to."""
    return [path, "--uci"] if os.path.basename(path).startswith("gnuchess") else [path]  # noqa: PTH119
