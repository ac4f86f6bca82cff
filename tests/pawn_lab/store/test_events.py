"""How much an event matters follows from its kind, and at times from its data."""

import pytest

from pawn_lab.records import Severity
from pawn_lab.store.events import KINDS, severity


@pytest.mark.parametrize(
    ("kind", "data", "matters"),
    [
        ("completed", {}, "info"),
        ("failed", {}, "critical"),
        ("lost", {}, "critical"),
        ("killed", {}, "info"),
        ("killed", {"reason": "killed", "signal": 15}, "info"),
        ("killed", {"reason": "killed", "signal": 9}, "warning"),
        ("killed", {"reason": "budget", "signal": None}, "warning"),
        ("idle", {}, "warning"),
        ("stop", {}, "critical"),
        ("stop", {"what": "announced"}, "critical"),
        ("stop", {"what": "blocked"}, "warning"),
        ("stop", {"what": "kept"}, "info"),
        ("of a later version", {}, "warning"),
    ],
)
def test_an_event_matters_by_its_kind_and_its_data(kind, data, matters):
    assert severity(kind, data) == matters


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_has_a_severity_without_data(kind):
    assert severity(kind, {}) in Severity


def test_severities_are_in_order():
    info, warning, critical = Severity
    assert critical.reaches(warning)
    assert warning.reaches(warning)
    assert not info.reaches(warning)
