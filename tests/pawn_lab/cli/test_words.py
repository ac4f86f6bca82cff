"""Calls of tools and their arguments, as one types them."""

import pytest

from pawn_lab.cli.words import in_cli_words


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (
            'lab_resume(trial_id=3, overrides={"lr": 1e-4})',
            "pawn-lab resume 3 --set lr=0.0001",
        ),
        ("See lab_log(trial_id=12).", "See pawn-lab log 12."),
        ("lab_diff(3, 4)", "pawn-lab diff 3 4"),
        (
            "lab_wait(until='ended', trial_ids=[1, 2])",
            "pawn-lab wait --until ended --trial-ids 1 2",
        ),
        ("lab_notes(append=...)", "pawn-lab notes --append ..."),
        ("12 of 30 rows; max_tokens=5000: all", "12 of 30 rows; --max-tokens 5000: all"),
        ("section=: 'Phase 1'", "--section: 'Phase 1'"),
        ("trial_ids [] names no trial", "--trial-ids [] names no trial"),
        ("call lab_schema, then lab_set_cost", "call pawn-lab schema, then pawn-lab set-cost"),
        ("total_steps=10 and lr=3 are fields", "total_steps=10 and lr=3 are fields"),
        ("lab_nothing(1) is no tool", "lab_nothing(1) is no tool"),
    ],
)
def test_a_call_becomes_a_command_and_an_argument_an_option(text, typed):
    assert in_cli_words(text) == typed
