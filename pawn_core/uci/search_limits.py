"""What `go` asks for: how long a move may take, and which moves there are to choose from."""

from typing import NamedTuple

_NUMBERS = ("movetime", "wtime", "btime")
_OTHER_NUMBERS = ("winc", "binc", "movestogo", "depth", "nodes", "mate")
_FLAGS = ("infinite", "ponder")
_MOVES = "searchmoves"
_WORDS = (*_NUMBERS, *_OTHER_NUMBERS, *_FLAGS, _MOVES)
_MARGIN_MS = 5
"""For the way of the answer to the other program."""


class SearchLimits(NamedTuple):
    """Limits of one search. Depth and nodes are none: a move is one pass through the model."""

    movetime: int | None = None
    wtime: int | None = None
    btime: int | None = None
    """Milliseconds."""
    held: bool = False
    """Whether the answer waits for `stop` or `ponderhit`."""
    searchmoves: tuple[str, ...] = ()
    """The moves to choose from; empty for all."""

    @classmethod
    def parse(cls, words: list[str]) -> "SearchLimits":
        """Return what the words behind `go` ask for; those that are unknown are ignored.

        Raises:
            ValueError: a time is no number.
        """
        times = {name: _number(words, name) for name in _NUMBERS if name in words}
        held = any(flag in words for flag in _FLAGS)
        return cls(**times, held=held, searchmoves=_moves(words))

    def budget_s(self, white_moves: bool) -> float | None:
        """Return the seconds until the answer must be out; None where nothing limits them.

        A clock that has run out limits nothing: there is nothing left to lose.
        """
        clock = self.wtime if white_moves else self.btime
        limits = [ms for ms in (self.movetime, clock) if ms is not None and ms > 0]
        if self.held or not limits:
            return None
        return max(min(limits) - _MARGIN_MS, 0) / 1000


def _number(words: list[str], name: str) -> int:
    text = " ".join(words[words.index(name) + 1 :][:1])
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is no number of milliseconds") from None


def _moves(words: list[str]) -> tuple[str, ...]:
    if _MOVES not in words:
        return ()
    behind = words[words.index(_MOVES) + 1 :]
    end = next((i for i, word in enumerate(behind) if word in _WORDS), len(behind))
    return tuple(behind[:end])
