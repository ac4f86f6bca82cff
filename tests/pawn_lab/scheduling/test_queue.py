"""The queue played forward."""

import pytest

from pawn_lab.scheduling.estimates import place


@pytest.mark.parametrize(
    ("free_in_s", "ahead_s", "starts"),
    [
        ([0.0, 0.0], [], 0.0),
        ([30.0, 10.0], [], 10.0),
        ([30.0, 10.0], [100.0], 30.0),
        ([30.0, 10.0], [5.0, 5.0], 20.0),
        ([None, 10.0], [], 10.0),
        ([None, 10.0], [None], None),
        ([None], [], None),
    ],
)
def test_a_trial_starts_when_a_device_is_free_and_nobody_is_ahead(free_in_s, ahead_s, starts):
    assert place(free_in_s, ahead_s, len(ahead_s)).starts_in_s == starts
