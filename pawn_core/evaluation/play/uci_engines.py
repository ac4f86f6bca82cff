"""Chess programs that speak UCI, as players. A program that fails is an error, never a loss.

python-chess speaks the protocol; it is in the extra `play`.
"""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import chess
import numpy as np
from chess.engine import EngineError, EngineTerminatedError, Limit, Option, UciProtocol
from numpy.typing import NDArray

from pawn_core.evaluation.play.players import BOARD
from pawn_core.programs import find_program

_QUIT_S = 2.0
_STEADY = {"Threads": 1, "Hash": 16}
"""Where a program has such options; and a model's own `Game` (pawn_core.uci)."""
_LAST_LINE_CHARACTERS = 200


class EngineFault(RuntimeError):
    """A chess program is not there, died, fell silent or broke the rules; names its last line."""


@dataclass(frozen=True)
class EngineSpec:
    """A program and how strong it is to play."""

    command: str
    """A path, or a name on the PATH."""
    arguments: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    nodes: int = 10_000
    """Positions that it may search for a move."""
    timeout_s: float = 60.0
    """Longest silence before it counts as failed."""


class EnginePlayer:
    """A program that plays, one process a game; used as a context manager.

    A process of its own gives each game a hash table of its own, so what is played does not
    depend on the other games. Every process is killed with its whole group at the end.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._runner = asyncio.Runner()
        self._engines: list[_Engine] = []
        self.name = spec.command

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            self._runner.run(_close(self._engines))
        finally:
            self._runner.close()

    def begin(self, numbers_b: NDArray[np.int64], white_b: NDArray[np.bool_]) -> None:
        """Start a program for each game.

        Raises:
            EngineFault: it is not there, does not speak UCI or has no such strength.
        """
        self._runner.run(_close(self._engines))
        self._engines = []
        for number in numbers_b:
            engine = _Engine(self._spec, int(number))
            self._engines.append(engine)
            self._runner.run(engine.start())
        self.name = self._engines[0].name

    def choose(
        self, played_bt: NDArray[np.int16], legal_bv: NDArray[np.bool_], asked_b: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return the programs' moves, asked one after the other.

        Raises:
            EngineFault: one died, fell silent or answered with an illegal move.
        """
        tokens_b = np.full(len(asked_b), BOARD.pad, dtype=np.int64)
        for game in np.flatnonzero(asked_b):
            ucis = [BOARD.moves[token] for token in played_bt[game]]
            uci = self._runner.run(self._engines[game].move(ucis))
            tokens_b[game] = BOARD.move_ids[uci]
        return tokens_b


class _Heard(UciProtocol):
    """Keeps the last line that a program said."""

    def __init__(self) -> None:
        super().__init__()
        self.last_line = ""

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        lines = text.split("\n")
        self.last_line = next((line for line in reversed(lines) if line.strip()), self.last_line)
        super().pipe_data_received(fd, data)

    def error_line_received(self, line: str) -> None:
        """Say nothing: a program's complaints are in its last line."""


class _Engine:
    """One process."""

    def __init__(self, spec: EngineSpec, number: int) -> None:
        self._spec = spec
        self._steady = _STEADY | {"Game": number}
        self._protocol: _Heard | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._board = chess.Board()

    @property
    def name(self) -> str:
        """What the program calls itself."""
        return (self._protocol.id.get("name") if self._protocol else None) or self._spec.command

    async def start(self) -> None:
        """Start the process, hear its options and set its strength."""
        path = _find(self._spec.command)
        try:
            self._transport, self._protocol = await _Heard.popen(
                [path, *self._spec.arguments], setpgrp=True
            )
        except OSError as error:
            raise EngineFault(f"engine {path!r} does not start: {error.strerror}") from None
        await self._answer(self._protocol.initialize(), "'uci'")
        steady = {k: v for k, v in self._steady.items() if k in self._protocol.options}
        for option, value in self._spec.options.items():
            _check_option(self.name, self._protocol.options.get(option), option, value)
        await self._answer(self._protocol.configure(steady | self._spec.options), "'setoption'")

    async def move(self, ucis: list[str]) -> str:
        """Return its move after these."""
        assert self._protocol is not None
        for uci in ucis[len(self._board.move_stack) :]:
            self._board.push_uci(uci)
        result = await self._answer(
            self._protocol.play(self._board, Limit(nodes=self._spec.nodes), game=0),
            f"ply {len(ucis)}",
        )
        if not result.move:  # none, or the null move
            raise self._fault(f"answered with no move at ply {len(ucis)}")
        return result.move.uci()

    async def _answer(self, awaited: Any, to: str) -> Any:
        try:
            return await asyncio.wait_for(awaited, self._spec.timeout_s)
        except TimeoutError:
            code = self._transport.get_returncode() if self._transport else None
            fault = f"gave no answer to {to} in {self._spec.timeout_s:g} s"
            raise self._fault(fault if code is None else f"ended with exit code {code}") from None
        except EngineTerminatedError:
            code = self._transport.get_returncode() if self._transport else None
            raise self._fault(f"ended with exit code {code}, asked for {to}") from None
        except EngineError as error:
            raise self._fault(f"broke the protocol, asked for {to}: {error}") from None

    def _fault(self, what: str) -> EngineFault:
        assert self._protocol is not None
        line = self._protocol.last_line.strip()[:_LAST_LINE_CHARACTERS]
        return EngineFault(f"engine {self.name!r} {what}; its last line: {line!r}")

    async def ask_to_quit(self) -> None:
        """Ask the program to end, as far as it listens."""
        if self._protocol is not None and not self._protocol.returncode.done():
            with suppress(EngineError, TimeoutError, OSError):
                await asyncio.wait_for(self._protocol.quit(), _QUIT_S)

    async def kill(self) -> None:
        """End the process and all that it started."""
        if self._transport is None or self._protocol is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._transport.get_pid(), signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._protocol.returncode), _QUIT_S)
        self._transport.close()


async def _close(engines: list[_Engine]) -> None:
    await asyncio.gather(*(engine.ask_to_quit() for engine in engines))
    await asyncio.gather(*(engine.kill() for engine in engines))


def _find(command: str) -> str:
    try:
        return find_program(command)
    except FileNotFoundError as error:
        raise EngineFault(f"engine {command!r} is not there: {error}") from None


def _check_option(name: str, option: Option | None, key: str, value: Any) -> None:
    if option is None:
        raise EngineFault(f"engine {name!r} has no option {key!r}, which this strength needs")
    low, high = option.min, option.max
    if option.type == "spin" and low is not None and high is not None and not low <= value <= high:
        raise EngineFault(
            f"engine {name!r} allows {key} {low} to {high}, and {value} was asked for"
        )
