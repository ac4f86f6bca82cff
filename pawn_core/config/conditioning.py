"""What a model with outcome tokens is asked: which outcome it is told, behind which prefix."""

from typing import Literal, NamedTuple

OUTCOMES = ("white_checkmates", "black_checkmates", "stalemate", "draw_by_rule", "ply_limit")
"""That random play can have."""

Test = Literal["match", "continuation", "poisoned", "impossible", "improbable"]


class Cut(NamedTuple):
    """How much of a game of random play the model is shown."""

    kind: Literal["plies", "share", "left", "bare_white_king", "whole"]
    """So many plies; this share of them; all but so many of the longest game; up to the first
    position in which White has only the king; the whole game."""
    value: float = 0

    def __str__(self) -> str:
        """Return its name in tables."""
        return f"{self.kind} {self.value:g}" if self.value else self.kind


class Source(NamedTuple):
    """Where prefixes come from."""

    ending: str | None
    """Outcome or termination of their games; None: any."""
    cut: Cut


class Case(NamedTuple):
    """One thing that is asked, of so many games."""

    test: Test
    name: str
    asked: str | None
    """The outcome that the model is told; None: the game's own, as a control."""
    source: Source
    masked: bool = True
    """Whether the model draws legal moves alone."""


_NOTHING = Source(None, Cut("plies", 0))
_CUTS = (
    *(Cut("share", share) for share in (0.1, 0.5, 0.9)),
    *(Cut("plies", plies) for plies in (10, 50, 100, 200)),
)
_POISONED = (
    ("white_checkmates", "black_checkmates"),
    ("white_checkmates", "draw_by_rule"),
    ("draw_by_rule", "white_checkmates"),
    ("ply_limit", "white_checkmates"),
)
_BARE_KING = Source(None, Cut("bare_white_king"))
_DEAD = Source("insufficient_material", Cut("whole"))
_ALMOST_CUT = Source(None, Cut("left", 10))
_EARLY = Source(None, Cut("plies", 20))

CASES: tuple[Case, ...] = (
    *(Case("match", outcome, outcome, _NOTHING) for outcome in OUTCOMES),
    *(
        Case("continuation", f"{outcome} after {cut}", outcome, Source(outcome, cut))
        for outcome in OUTCOMES
        for cut in _CUTS
    ),
    *(
        Case("poisoned", f"{asked} for {played}", asked, Source(played, Cut("share", 0.5)))
        for played, asked in _POISONED
    ),
    Case("impossible", "mate by a bare king", "white_checkmates", _BARE_KING, masked=False),
    Case("impossible", "mate by a bare king: control", None, _BARE_KING, masked=False),
    Case("impossible", "mate without material", "white_checkmates", _DEAD, masked=False),
    Case("impossible", "mate without material: control", None, _DEAD, masked=False),
    Case("improbable", "mate within 10 plies", "white_checkmates", _ALMOST_CUT),
    Case("improbable", "mate within 10 plies: control", None, _ALMOST_CUT),
    Case("improbable", "stalemate after 20 plies", "stalemate", _EARLY),
    Case("improbable", "stalemate after 20 plies: control", None, _EARLY),
)

SOURCES = tuple(dict.fromkeys(case.source for case in CASES))
"""A control has the prefixes of the case that it belongs to."""
