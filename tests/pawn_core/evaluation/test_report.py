"""What an evaluation found, as records and as a document."""

import json
import math

import pytest

from pawn_core.evaluation.report import Figure, Report, Table

REPORT = Report(
    "legality",
    "what was done",
    (
        Figure("legal_rate", 0.75, 0.5, 0.9, 12, "share of moves"),
        Figure("late_legal_rate", None),
        Figure("kl", math.inf, n=3),
    ),
    (Table("phases", ("phase", "rate"), (("opening", 0.5), ("late", math.nan))),),
    {"games": 3},
)


def test_figures_are_named_by_their_evaluation_and_ends_come_apart() -> None:
    assert REPORT.values()["legality.legal_rate"] == 0.75
    assert REPORT.values()["legality.late_legal_rate"] is None
    assert REPORT.intervals() == {
        "legality.legal_rate_low": 0.5,
        "legality.legal_rate_high": 0.9,
    }


def test_the_document_is_json_with_null_for_what_is_no_number() -> None:
    document = json.loads(json.dumps(REPORT.document(), allow_nan=False))
    assert document["figures"][2]["value"] is None
    assert document["tables"][0]["rows"] == [["opening", 0.5], ["late", None]]
    assert document["facts"] == {"games": 3}


def test_a_row_that_does_not_fit_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="table t has 2 columns, a row 1"):
        Table("t", ("a", "b"), ((1,),))
