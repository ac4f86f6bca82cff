"""`next_check_s` is when something is expected to have changed; what idles is said beside it."""

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate, trainer_greeting

from pawn_lab.lab import launching
from pawn_lab.records import Pulse
from pawn_lab.states import State
from pawn_lab.tools.check_in import LATEST_S, SOON_S, SOONEST_S, check_in, idle, interval
from pawn_lab.tools.events import lab_events
from pawn_lab.tools.kill import lab_kill


def pulse(**fields) -> Pulse:
    resting = {"idle": 0, "idle_s": None, "queued": 0, "stopping": 0}
    return Pulse(**{"devices": 2, "ends_in_s": [], "starting_s": []} | resting | fields)


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ({"ends_in_s": [400.0, 90.4]}, 90),
        ({"ends_in_s": [0.0]}, SOONEST_S),
        ({"ends_in_s": [-3.0]}, SOONEST_S),
        ({"ends_in_s": [1e6, 1e7]}, LATEST_S),
        ({"ends_in_s": [408.0], "starting_s": [2.0]}, SOON_S),
        ({"starting_s": [100.0]}, 50),
        ({"starting_s": [3600.0], "ends_in_s": [700.0]}, 120),
        ({"ends_in_s": [411.0], "stopping": 1}, SOON_S),
        ({"ends_in_s": [3.0], "stopping": 1}, SOONEST_S),
        ({"ends_in_s": [700.0], "queued": 3}, 700),
        ({"queued": 3}, SOON_S),
        ({"idle": 2}, LATEST_S),
    ],
)
def test_the_next_look_is_at_the_first_change_that_is_expected(state, seconds):
    assert interval(pulse(**state)) == seconds


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"idle": 2}, "2 of 2 devices"),
        ({"idle": 2, "idle_s": 130.0}, "2 of 2 devices for 2 min"),
        ({"idle": 2, "idle_s": 9000.0}, "2 of 2 devices for 2.5 h"),
        ({"idle": 1, "ends_in_s": [10.0]}, "1 of 2 devices"),
        ({"idle": 1, "queued": 1}, None),
        ({"idle": 0}, None),
    ],
)
def test_devices_that_nothing_is_queued_for_are_said_to_idle(state, said):
    assert idle(pulse(**state)) == said


def test_a_trial_that_starts_is_looked_at_soon_beside_one_that_takes_long(open_lab):
    lab = open_lab("gate:paced")
    slow, new = (
        launching.launch(lab, CONFIG | {"total_steps": 10_000}).id,
        launching.launch(lab, CONFIG).id,
    )
    write_paced(lab, slow)
    in_state(lab, new, State.RUNNING)
    assert check_in(lab).next_check_s == SOON_S
    write_paced(lab, new)
    assert check_in(lab).next_check_s == LATEST_S
    assert lab_kill(lab, slow).next_check_s == SOON_S
    open_gate(lab, new)


def write_paced(lab, trial_id):
    """Write what a trainer of a step a second does."""
    trainer_greeting(lab, trial_id)
    records = (
        f'{{"type": "train", "seq": {n}, "step": {n}, "time": {1.7e9 + n}, "loss": 1.0}}\n'
        for n in range(3)
    )
    lab.paths.trial(trial_id).metrics.write_text("".join(records))


def test_a_trial_of_limited_hours_is_looked_at_when_they_are_over(open_lab):
    lab = open_lab("gate")
    [trial] = launching.launch_group(lab, CONFIG | {"total_steps": 10_000}, max_hours=0.1).trials
    write_paced(lab, trial.id)
    assert 300 < check_in(lab).next_check_s <= 360
    open_gate(lab, trial.id)


def test_with_everything_idle_the_events_say_so_and_when_to_look_again(open_lab):
    lab = open_lab("complete")
    assert lab_events(lab).wire() == {
        "events": [],
        "cursor": 0,
        "next_check_s": LATEST_S,
        "idle": "2 of 2 devices",
    }
    ended(lab, launching.launch(lab, CONFIG).id)
    news = lab_events(lab)
    again = lab_events(lab, since=news.cursor).wire()
    assert again.pop("idle").startswith("2 of 2 devices for 0 min")
    assert again == {"unchanged": True, "next_check_s": LATEST_S}
