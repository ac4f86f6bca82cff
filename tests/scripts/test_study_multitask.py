"""scripts/study_multitask.py pairs runs with and without the seven tasks by their seeds."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import study_multitask as study


def ending(**figures: float) -> list[dict]:
    """Return the evaluations of a run that ends with these figures, all others 1."""
    return [dict.fromkeys(study._TRANSFER, 0.5), dict.fromkeys(study._TRANSFER, 1.0) | figures]


def test_differences_are_of_pairs_with_students_interval() -> None:
    # Differences 1, 2, 3: deviation 1, t of two degrees of freedom 4.302653.
    assert study.difference([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]) == "+2.0000 (-0.4841 to +4.4841)"
    assert study.difference([2.0], [2.5]) == "-0.5000"


def test_runs_of_another_number_of_seeds_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        study.difference([1.0, 2.0], [1.0])


def test_the_last_evaluations_are_compared_and_the_tasks_come_first() -> None:
    taught = [ending(value_mse=0.3), ending(value_mse=0.5)]
    alone = [ending(value_mse=0.4), ending(value_mse=0.6)]
    lines = study.transfer({study.TAUGHT: taught, study.ALONE: alone}).splitlines()
    assert lines[0] == "| held out | taught | alone | less alone |"
    [row] = [line for line in lines if "value_mse" in line]
    assert row == "| value_mse | 0.4000 | 0.5000 | -0.1000 (-0.1000 to -0.1000) |"
