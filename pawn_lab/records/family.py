"""A trial among others."""

from pawn_lab.records.record import Record
from pawn_lab.states import State


class Relative(Record):
    """A trial of a family, and from which step of its parent it went on."""

    id: int
    parent: int | None
    from_step: int | None
    state: State
    tags: list[str]


class Reader(Record):
    """A trial that starts from weights of another, or measures them, as its field names them."""

    id: int
    run_type: str
    field: str
    weights: str


class Family(Record):
    """A trial's family by number, and further ties.

    launched_with: the other trials of its launch, of other seeds. sweep: of which it is a point.
    reads: weights of other trials, by field.
    """

    members: list[Relative]
    launched_with: list[int]
    sweep: int | None
    reads: dict[str, str]
    read_by: list[Reader]
