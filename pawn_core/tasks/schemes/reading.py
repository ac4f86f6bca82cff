"""Completions as the published schemes read them: piece by piece, runs of blanks collapsed."""

import math
import re
from typing import NamedTuple

from pawn_core.tasks.task import TaskPrompt

_MOVE = re.compile(r"[a-h][1-8][a-h][1-8][qrbn]?")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_POLICY = re.compile(r"(?P<moves>.*?) ?\bE: (?P<evals>.*?) ?\bB: (?P<best>\S+)")
_FLAGS = {"0": False, "1": True}
_FIELDS = 4
_MATE_CP = 100_000
_MATE_OF_100_MOVES = _MATE_CP - 100


class Listing(NamedTuple):
    """What a completion of `P:` lists."""

    complete: bool
    """Whether it has moves, evaluations and a best move behind their marks."""
    moves: list[str]
    evals: list[float]
    """In pawns."""
    best: str | None


class Verdict(NamedTuple):
    """What a completion of `A:` says; None where it is not to be read."""

    fields: int
    """Between its `+`."""
    fen: str
    reward: float | None
    terminated: bool | None
    truncated: bool | None

    @property
    def complete(self) -> bool:
        """Whether it has four fields, all of their type."""
        typed = None not in (self.reward, self.terminated, self.truncated)
        return self.fields == _FIELDS and typed


def read_listing(completion: str) -> Listing:
    """Read a completion of `P:`, which begins behind `M:`."""
    text = " ".join(completion.split())
    match = _POLICY.match(text)
    if match is None:
        behind = text.partition("E:")
        return Listing(False, _moves(behind[0]), _decimals(behind[2]), None)
    moves, evals = _moves(match["moves"]), _decimals(match["evals"])
    best = match["best"] if _MOVE.fullmatch(match["best"]) else None
    return Listing(True, moves, evals, best)


def read_verdict(completion: str) -> Verdict:
    """Read a completion of `A:`, which begins behind the prompt's last `+`."""
    fields = " ".join(completion.split()).split("+")
    fen, reward, terminated, truncated = (*fields, "", "", "", "")[:_FIELDS]
    flags = _FLAGS.get(terminated.strip()), _FLAGS.get(truncated.strip())
    return Verdict(len(fields), fen.strip(), _decimal(reward.strip()), *flags)


def top_moves(prompt: TaskPrompt) -> list[str]:
    """Return the program's moves of a prompt of `P:`, the best first."""
    return [line.uci for line in prompt.answer.analysis.lines]


def top_pawns(prompt: TaskPrompt, mate: float = _MATE_CP / 100) -> list[float]:
    """Return what they are worth in pawns; `mate`: what mate at once counts."""
    lines = prompt.answer.analysis.lines
    return [_pawns(line.centipawns, mate) for line in lines]


def _pawns(centipawns: int, mate: float) -> float:
    if abs(centipawns) < _MATE_OF_100_MOVES:
        return centipawns / 100
    worth = mate - (_MATE_CP - abs(centipawns)) / 100
    return worth if centipawns > 0 else -worth


def _moves(text: str) -> list[str]:
    return [word for word in text.split() if _MOVE.fullmatch(word)]


def _decimals(text: str) -> list[float]:
    numbers = map(_decimal, text.split())
    return [number for number in numbers if number is not None]


def _decimal(word: str) -> float | None:
    number = float(word) if _DECIMAL.fullmatch(word) else math.nan
    return number if math.isfinite(number) else None
