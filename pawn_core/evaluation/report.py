"""What an evaluation found: figures with their intervals, and tables. Never imports torch."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pawn_core.metrics import MOST_NAME_CHARACTERS, finite

CONFIDENCE = 0.95
"""Of every interval."""


@dataclass(frozen=True)
class Figure:
    """One number that was measured."""

    name: str
    """Within its evaluation, such as `legal_rate`."""
    value: float | None
    """None where there was nothing to measure it on."""
    low: float | None = None
    high: float | None = None
    """The ends of its 95 % interval, over games unless the definition says otherwise."""
    n: int = 0
    """Number of things that it was measured on."""
    definition: str = ""
    """What it is a share or mean of, in which unit, and what the interval is over."""


@dataclass(frozen=True)
class Table:
    """Numbers in rows, for people and for documents."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.name} has {len(self.columns)} columns, a row {len(row)}"
                )


@dataclass(frozen=True)
class Report:
    """The result of an evaluation."""

    name: str
    """The evaluation's, as in `EVALS`."""
    definition: str
    figures: tuple[Figure, ...]
    """The headline first; few: they are in every record, all else belongs in tables."""
    tables: tuple[Table, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """What it was measured on: seed, games, positions and the like; JSON values."""

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "Report":
        """Return the report that `document` has written."""
        figures = tuple(Figure(**figure) for figure in document["figures"])
        tables = tuple(
            Table(t["name"], tuple(t["columns"]), tuple(map(tuple, t["rows"])))
            for t in document["tables"]
        )
        name, definition, facts = (document[key] for key in ("name", "definition", "facts"))
        return cls(name, definition, figures, tables, facts)

    def document(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return finite(asdict(self))

    def values(self) -> dict[str, float | None]:
        """Return its figures as a record has them, by `<evaluation>.<figure>`."""
        return {self._named(figure): figure.value for figure in self.figures}

    def intervals(self) -> dict[str, float]:
        """Return the ends of their intervals, by `.._low` and `.._high`."""
        ends = {
            f"{self._named(figure)}_{end}": value
            for figure in self.figures
            for end, value in (("low", figure.low), ("high", figure.high))
        }
        return {name: value for name, value in ends.items() if value is not None}

    def _named(self, figure: Figure) -> str:
        name = f"{self.name}.{figure.name}"
        assert len(f"{name}_high") <= MOST_NAME_CHARACTERS, name
        return name
