"""Marks: where a curve was resumed and where its learning rate turned."""

import pytest

from pawn_lab.analysis.marks import marks, turns
from pawn_lab.lab import Lab


def rates(*stretches: tuple[float, float, int]) -> list[tuple[int, float]]:
    """A rate that goes in equal parts from one value to another, several times."""
    values = [a + (b - a) * n / count for a, b, count in stretches for n in range(count)]
    return list(enumerate(values))


@pytest.mark.parametrize(
    ("stretches", "found"),
    [
        ([(1.0, 1.0, 50)], []),
        ([(0.0, 1.0, 10), (1.0, 0.0, 40)], [(10, "learning rate falls")]),
        (
            [(0.0, 1.0, 10), (1.0, 1.0, 30), (1.0, 0.1, 10)],
            [(10, "learning rate stays"), (40, "learning rate falls")],
        ),
        ([(1.0, 0.5, 20), (1.0, 0.5, 20)], []),
    ],
)
def test_the_turns_of_a_schedule_are_found_and_a_single_jump_is_none(stretches, found):
    assert [(mark.step, mark.text) for mark in turns(rates(*stretches))] == found


def test_a_resume_is_marked_where_the_lineage_went_on(study):
    with Lab.open(study) as lab:
        found = [(mark.step, mark.kind, mark.text) for mark in marks(lab, 4)]
        assert (4, "resume", "resumed as 4") in found
        assert not [mark for mark in marks(lab, 3) if mark.kind == "resume"]
