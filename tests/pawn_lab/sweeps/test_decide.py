"""Which points of a sweep go on: rules over how far they are and what they have shown."""

from types import SimpleNamespace
from typing import Any

import pytest
from lab_testing import CONFIG

from pawn_lab.sweeps.decide import Promotion, Settled, decide
from pawn_lab.sweeps.plan import checked_plan

STOP = 1000


class Fields(dict):
    """What a row holds, by name."""

    __getattr__ = dict.__getitem__


def plan(**fields: Any):
    """Return a plan whose points pause at 100, 300 and 900 (asha unless told otherwise)."""
    early = {"first_rung": 100, "factor": 3} | fields.pop("early_stopping", {})
    return checked_plan(
        {"config": CONFIG, "space": {"lr": [0.1]}, "early_stopping": early} | fields
    )


def point(number: int, rung: int | None, *losses: float, **fields: Any) -> SimpleNamespace:
    """Return a point that waits at a rung, with its losses at 100, 300, 900 and 1000."""
    values = dict(zip((100, 300, 900, STOP), losses, strict=False))
    usual = {"row": Fields(arm=0), "open": True, "running": rung is None, "leaves": []}
    usual |= {"broken": False, "given_up": None, "stop": STOP}
    return SimpleNamespace(**{"number": number, "rung": rung, "values": values} | usual | fields)


def promoted(decisions) -> dict[int, tuple[int, int | None]]:
    return {
        decision.standing.number: (decision.rung, decision.until)
        for decision in decisions
        if isinstance(decision, Promotion)
    }


def settled(decisions) -> dict[int, tuple[str, float | None]]:
    return {
        decision.standing.number: (decision.state, decision.value)
        for decision in decisions
        if isinstance(decision, Settled)
    }


def test_asha_promotes_the_best_third_and_the_others_wait_while_some_still_run():
    points = [point(n, 100, loss) for n, loss in enumerate((3.0, 1.0, 2.0), 1)]
    decisions = decide(plan(), [*points, point(4, None)], more=False)
    assert promoted(decisions) == {2: (100, 300)}
    assert settled(decisions) == {}


def test_asha_stops_the_others_once_nobody_else_will_come():
    points = [point(n, 100, loss) for n, loss in enumerate((3.0, 1.0, 2.0), 1)]
    decisions = decide(plan(), points, more=False)
    assert promoted(decisions) == {2: (100, 300)}
    assert settled(decisions) == {1: ("stopped", 3.0), 3: ("stopped", 2.0)}
    [third] = [d for d in decisions if d.standing.number == 1]
    assert third.why == "val_loss 3 at step 100 is 3. of 3; asha keeps 1"
    assert third.evidence == {"rung": 100, "val_loss_by_point": {"2": 1.0, "3": 2.0, "1": 3.0}}


def test_asha_keeps_the_best_of_few_only_when_they_are_all():
    points = [point(1, 100, 2.0), point(2, 100, 1.0)]
    assert decide(plan(), points, more=True) == []
    decisions = decide(plan(), points, more=False)
    assert (promoted(decisions), settled(decisions)) == ({2: (100, 300)}, {1: ("stopped", 2.0)})


def test_those_that_have_gone_on_still_count_at_the_rung_that_they_passed():
    ahead = [point(n, 300, loss, 9.0) for n, loss in ((1, 1.0), (2, 1.5))]
    waiting = [point(n, 100, loss) for n, loss in ((3, 2.0), (4, 3.0), (5, 4.0), (6, 5.0))]
    decisions = decide(plan(), [*ahead, *waiting], more=True)
    assert promoted(decisions) == {}  # two of six go on: the two that have


def test_from_the_last_rung_a_point_goes_to_the_end_that_the_plan_names():
    points = [point(n, 900, 1.0, 1.0, loss) for n, loss in ((1, 3.0), (2, 1.0), (3, 2.0))]
    assert promoted(decide(plan(), points, more=True)) == {2: (900, None)}
    pausing = plan(config=CONFIG | {"pause_after_steps": 950})
    assert promoted(decide(pausing, points, more=True)) == {2: (900, 950)}


def test_a_point_whose_trials_end_before_the_next_rung_goes_to_their_end():
    points = [point(n, 100, loss, stop=250) for n, loss in enumerate((3.0, 1.0, 2.0), 1)]
    assert promoted(decide(plan(), points, more=False)) == {2: (100, None)}
    short, long = point(1, 300, 1.0, 1.0, stop=300), point(2, 300, 2.0, 2.0)
    decisions = decide(plan(early_stopping={"factor": 3}), [short, long], more=False)
    assert settled(decisions)[1] == ("completed", 1.0)
    assert 1 not in promoted(decisions)


def test_points_of_different_arms_are_not_ranked_against_each_other():
    arms = [Fields(arm=n) for n in (0, 1)]
    points = [
        *(point(n, 100, loss, row=arms[0]) for n, loss in ((1, 1.0), (2, 2.0), (3, 3.0))),
        *(point(n, 100, loss, row=arms[1]) for n, loss in ((4, 7.0), (5, 8.0), (6, 9.0))),
    ]
    assert set(promoted(decide(plan(), points, more=True))) == {1, 4}


@pytest.mark.parametrize(
    ("losses", "going_on", "stopped"),
    [((1.0, 2.0, 3.0), {1, 2}, {3}), ((1.0, 1.0, 1.0), {1, 2, 3}, set())],
)
def test_median_promotes_all_that_are_not_worse_than_it(losses, going_on, stopped):
    points = [point(n, 100, loss) for n, loss in enumerate(losses, 1)]
    median = plan(early_stopping={"rule": "median", "least": 3})
    decisions = decide(median, points, more=True)
    assert (set(promoted(decisions)), set(settled(decisions))) == (going_on, stopped)


def test_median_waits_for_enough_points_unless_no_more_can_come():
    points = [point(1, 100, 1.0), point(2, 100, 2.0)]
    median = plan(early_stopping={"rule": "median", "least": 3})
    assert decide(median, points, more=True) == []
    decisions = decide(median, points, more=False)
    assert (promoted(decisions), settled(decisions)) == ({1: (100, 300)}, {2: ("stopped", 2.0)})


def test_a_point_without_a_loss_at_its_rung_is_stopped():
    [decision] = decide(plan(), [point(1, 100)], more=False)
    assert decision.why == "no validation loss by step 100"
    assert (decision.state, decision.value) == ("stopped", None)


def test_a_point_that_has_come_to_the_end_is_completed_with_its_loss():
    decisions = decide(plan(), [point(1, STOP, 4.0, 3.0, 2.0, 1.0)], more=True)
    assert settled(decisions) == {1: ("completed", 1.0)}
    [without] = decide(plan(), [point(1, STOP)], more=True)
    assert (without.value, without.why) == (None, "no validation loss")


def test_a_point_of_which_a_trial_ended_badly_has_failed():
    leaves = [Fields(id=7, state="crashed"), Fields(id=8, state="completed")]
    [decision] = decide(
        plan(), [point(1, None, running=False, broken=True, leaves=leaves)], more=True
    )
    assert (decision.state, decision.evidence) == ("failed", {"7": "crashed", "8": "completed"})


def test_a_point_that_a_forecast_gave_up_is_stopped_with_the_numbers_for_it():
    numbers = {"low": 2.5, "at_step": 400, "reference_trial": 3, "reference_loss": 2.0}
    numbers |= {"val_loss": 2.75}
    [decision] = decide(plan(), [point(1, 150, running=False, given_up=numbers)], more=True)
    assert decision.why == "2.5 at step 400 at best, by its forecast; trial 3 has 2"
    assert (decision.state, decision.value, decision.evidence) == ("stopped", 2.75, numbers)


def test_nothing_is_decided_about_points_that_run_or_are_settled_already():
    ended = point(1, STOP, 1.0, 1.0, 1.0, 1.0, open=False)
    stopped = point(2, 100, 1.0, open=False)
    assert decide(plan(), [ended, stopped], more=False) == []
    assert decide(plan(), [point(3, None)], more=False) == []
