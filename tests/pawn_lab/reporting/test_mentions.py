"""A text names a trial only where it says trial, or #."""

import pytest

from pawn_lab.reporting.notes import trials_named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Trial 3 failed: out of memory.", {3}),
        ("### Trial 3\n\nIt ran out of memory.", {3}),
        ("trial3, trial_id=4, trial #5, Trial no. 6, trial: 7", {3, 4, 5, 6, 7}),
        ("trials 3, 5 and 7-9 are lost", {3, 5, 7, 8, 9}),
        ("Trials 3\u20135, and 12", {3, 4, 5, 12}),
        ("trial_ids=[3, 5], #7 & #8", {3, 5, 7, 8}),
        ("lab_log(trial_id=3)", {3}),
        ("trial 3, 4 GPUs, 5000 steps at lr 3e-4", {3}),
        ("trial 3-5 steps short", {3}),
        ("resumed trials 3 and 5 to 200 steps", {3, 5}),
        ("step 3 of 5; 3 trials failed; trial 3.5; C#3; trialled 3; trial number one", set()),
        ("trials 1-999999999", {1}),
        ("trial 99999999999999999999", set()),
        ("", set()),
    ],
)
def test_the_trials_that_a_text_names(text, named):
    assert trials_named(text) == named
