"""Curves of a resumed trial begin where its parent began."""

from pawn_lab.lab import Lab
from pawn_lab.reporting.curves import evaluations


def test_a_curve_follows_the_lineage_without_a_gap_or_a_repetition(study):
    with Lab.open(study) as lab:
        resumed = next(trial for trial in lab.trials() if trial.parent is not None)
        steps = [record["step"] for record in evaluations(lab, resumed.id)]
        own = [record["step"] for record in evaluations(lab, resumed.parent)]
    assert own == [2, 4]
    assert steps == [2, 4, 6, 8]
