"""The headline of lab_status names the one thing that needs a decision."""

from collections import Counter

import pytest

from pawn_lab.records import DeviceStatus, Exit, Glance, Trial
from pawn_lab.tools.headline import headline
from pawn_lab.trials.states import ENDED, State


def trial(number: int, state: State, *, message: str = "") -> Trial:
    ended = state not in (State.QUEUED, State.LAUNCHING, State.RUNNING)
    return Trial(
        id=number,
        state=state,
        config={},
        tags=[],
        hypothesis=None,
        priority=0,
        parent=None,
        from_step=None,
        device=None,
        created_at=0.0,
        started_at=0.0,
        ended_at=float(number) if ended else None,
        exit=Exit(code=3, signal=None, reason="x", message=message) if ended else None,
        cost=0.0,
    )


def glance(*trials: Trial, unresumed: int = 0) -> Glance:
    ended = [trial for trial in trials if trial.state in ENDED]
    return Glance(
        counts=Counter(trial.state for trial in trials),
        active=[trial for trial in trials if trial.state not in ENDED],
        ended=sorted(ended, key=lambda trial: -(trial.ended_at or 0.0)),
        unresumed=unresumed,
    )


def devices(*holders: int | None) -> list[DeviceStatus]:
    return [
        DeviceStatus(id=f"cpu:{n}", kind="cpu", name=f"CPU slot {n}", trial_id=holder)
        for n, holder in enumerate(holders)
    ]


def test_a_trial_that_failed_last_comes_first():
    failed = trial(2, State.FAILED, message="loss is not finite")
    said = headline(glance(trial(1, State.RUNNING), failed), devices(1, None))
    assert said == "Trial 2 failed: loss is not finite. See lab_log(trial_id=2)."


def test_an_old_failure_gives_way_to_what_ended_since():
    trials = trial(1, State.FAILED), trial(2, State.COMPLETED), trial(3, State.RUNNING)
    assert "needs a decision" in headline(glance(*trials), devices(3))


@pytest.mark.parametrize(
    ("unresumed", "said"),
    [(2, "lab_resume the best of 2 paused"), (0, "launch the next question")],
)
def test_idle_devices_ask_for_what_is_at_hand(unresumed, said):
    paused = glance(trial(1, State.PAUSED), trial(2, State.PAUSED), unresumed=unresumed)
    assert f"1 of 1 devices idle, nothing queued: {said}" in headline(paused, devices(None))


def test_a_queue_that_waits_is_no_idle_lab():
    said = headline(glance(trial(1, State.RUNNING), trial(2, State.QUEUED)), devices(1, None))
    assert said == "1 running, 1 queued; nothing needs a decision."
