"""The protocol: what a program is told, a line at a time, and what it answers. No torch.

UCI as of April 2006 (Meyer-Kahlen, Huber); the moves are those of chess, castling is `e1g1`.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from time import monotonic
from typing import Protocol

from pawn_core.config import ConfigError
from pawn_core.uci.choices import Choice, any_move
from pawn_core.uci.game_positions import GamePosition
from pawn_core.uci.play_settings import OPTIONS, PlaySettings, set_option
from pawn_core.uci.search_limits import SearchLimits

_LONGEST_ERROR = 400
_NO_MOVE = "(none)"


class Chooser(Protocol):
    """Who chooses the moves."""

    def choose(self, position: GamePosition, allowed: list[str], settings: PlaySettings) -> Choice:
        """Return one of the allowed moves."""
        ...


class Front:
    """Answers a program that plays games with a model.

    Args:
        name: of the model.
        load: makes the chooser; called at `uci`, after its answer, or when it is needed first.
        say: sends a line.
    """

    def __init__(
        self,
        name: str,
        settings: PlaySettings,
        load: Callable[[PlaySettings], Chooser],
        say: Callable[[str], None],
    ) -> None:
        self._name, self._settings = " ".join(name.split()), settings
        self._load, self._say = load, say
        self._chooser: Chooser | None = None
        # One thread for all that the model does: a search goes on after its time has run out.
        self._model_thread = ThreadPoolExecutor(1)
        self._position: GamePosition | None = GamePosition()
        self._moved_in_game = False
        self._held: str | None = None
        self._answers: dict[str, Callable[[list[str]], None]] = {
            "uci": self._introduce,
            "isready": self._get_ready,
            "setoption": self._set_option,
            "ucinewgame": self._begin_game,
            "position": self._set_position,
            "go": self._go,
            "stop": self._release,
            "ponderhit": self._release,
        }

    def hear(self, line: str) -> bool:
        """Answer a line and return whether to go on; lines that are no commands are ignored."""
        words = line.split()
        if words and words[0] in self._answers:
            try:
                self._answers[words[0]](words[1:])
            except ConfigError:  # there is no model to play with
                raise
            except ValueError as error:
                self._complain(f"{words[0]}: {error}")
        return words[:1] != ["quit"]

    def _introduce(self, _words: list[str]) -> None:
        self._say(f"id name PAWN {self._name}")
        self._say(f"id author pawn-lab {version('pawn-lab')}")
        for option in OPTIONS:
            self._say(option.declaration(self._settings))
        self._say("uciok")
        self._loaded()

    def _get_ready(self, _words: list[str]) -> None:
        self._loaded()
        self._say("readyok")

    def _set_option(self, words: list[str]) -> None:
        self._settings = set_option(words, self._settings)

    def _begin_game(self, _words: list[str]) -> None:
        self._release([])
        if self._moved_in_game:
            self._settings = self._settings._replace(game=self._settings.game + 1)
        self._moved_in_game, self._position = False, GamePosition()

    def _set_position(self, words: list[str]) -> None:
        self._position = None  # where the words name none
        self._position = GamePosition.parse(words)

    def _go(self, words: list[str]) -> None:
        self._release([])
        limits = self._limits(words)
        position = self._position
        legal = position.legal if position else []
        allowed = [uci for uci in legal if not limits.searchmoves or uci in limits.searchmoves]
        if position is None or not allowed:
            self._held = _NO_MOVE
        else:
            self._held = self._chosen(position, allowed, limits)
            self._moved_in_game = True
        if not limits.held:
            self._release([])

    def _limits(self, words: list[str]) -> SearchLimits:
        try:
            return SearchLimits.parse(words)
        except ValueError as error:
            self._complain(f"go: {error}; it is not limited")
            return SearchLimits()

    def _chosen(self, position: GamePosition, allowed: list[str], limits: SearchLimits) -> str:
        """Return a move within its time, and tell of it."""
        begin, chooser, settings = monotonic(), self._loaded(), self._settings
        budget_s = limits.budget_s(position.white_moves)
        choosing = self._model_thread.submit(chooser.choose, position, allowed, settings)
        try:
            choice = choosing.result(budget_s)
        except TimeoutError:
            choosing.cancel()  # where it waits behind another one
            choice = any_move(position, allowed, settings, "error the model takes longer than that")
        took_ms = round(1000 * (monotonic() - begin))
        self._say(f"info depth 1 nodes 1 time {took_ms} pv {choice.uci}")
        if choice.policy:
            shown = (f"{uci} {probability:.4f}" for uci, probability in choice.policy)
            self._say(f"info string policy {' '.join(shown)}")
        if choice.note:
            self._say(f"info string {choice.note}")
        return choice.uci

    def _release(self, _words: list[str]) -> None:
        """Give the answer that has been waited for, if any."""
        if self._held is not None:
            self._say(f"bestmove {self._held}")
            self._held = None

    def _loaded(self) -> Chooser:
        if self._chooser is None:
            self._chooser = self._model_thread.submit(self._load, self._settings).result()
        return self._chooser

    def _complain(self, what: str) -> None:
        line = " ".join(what.split())[:_LONGEST_ERROR]
        self._say(f"info string error {line}")
