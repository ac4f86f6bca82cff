"""What costs money is tried first: by the trial itself, once a shape, unless told otherwise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_testing import ended, eventually, in_state, nobody_left, stand_in
from tiny import TINY

from pawn_core.config import parse_config
from pawn_core.preflight.report import read_report
from pawn_lab.configs import StoredConfig
from pawn_lab.lab import Lab, killing, launching, queries, resuming, spending, trying
from pawn_lab.reporting.headline import headline
from pawn_lab.states import State
from pawn_lab.trials import preflights
from pawn_lab.trials.launcher import TRAINER

TOO_MANY = {"total_steps": 10**8, "checkpoint_interval": 1}
"""More checkpoints than any disk holds."""


@pytest.fixture
def lab(workspace: Path, warm: str, monkeypatch) -> Iterator[Lab]:
    """A lab whose machine costs money; its trainers are the real one, started warm."""
    monkeypatch.setenv("PYTHONPATH", warm)
    monkeypatch.setenv("RAYON_NUM_THREADS", "1")
    monkeypatch.delenv(preflights.VARIABLE, raising=False)
    with Lab.open(workspace) as lab:
        spending.set_cost(lab, 7.2)
        yield lab


def launch_of(lab: Lab, trial_id: int) -> dict[str, Any]:
    return json.loads(lab.paths.trial(trial_id).launch.read_text())


def test_a_trial_that_costs_money_is_tried_and_the_next_of_its_shape_is_known(lab) -> None:
    first, second = (launching.launch(lab, TINY | {"seed": n}).id for n in (0, 1))
    assert ended(lab, first).state is State.COMPLETED
    third = launching.launch(lab, TINY | {"seed": 2, "lr": 1e-2, "total_steps": 8}).id
    assert [ended(lab, n).state for n in (second, third)] == [State.COMPLETED] * 2
    reports = [read_report(lab.paths.trial(n).preflight) for n in (first, third)]
    assert [report.known for report in reports if report] == [False, True]
    assert [path.suffix for path in lab.paths.preflights.iterdir()] == [".json"]
    assert launch_of(lab, third)["preflight"] is True
    paused = launching.launch(lab, TINY | {"pause_after_steps": 4}).id
    assert ended(lab, paused).state is State.PAUSED
    resumed = resuming.resume(lab, paused).id
    assert ended(lab, resumed).state is State.COMPLETED
    report = read_report(lab.paths.trial(resumed).preflight)
    assert report is not None
    assert (report.known, report.remaining) == (True, 8)


def test_a_preflight_that_fails_ends_the_trial_and_the_lab_says_of_what(lab) -> None:
    trial = ended(lab, launching.launch(lab, TINY | TOO_MANY).id)
    assert (trial.state, trial.exit.reason, trial.exit.code) == (State.FAILED, "preflight", 4)
    assert "preflight, disk: 100000000 x " in trial.exit.message
    explained = trial.exit.post_mortem
    assert explained.kind == "preflight: disk"
    assert explained.next_call == "free space, then lab_launch(config=the same)"
    told = headline(queries.glance(lab), queries.devices(lab))
    assert told.startswith("trial 1 failed (preflight: disk). See lab_log(trial_id=1)")


def test_what_costs_nothing_or_is_not_trained_for_real_is_not_tried(workspace) -> None:
    with Lab.open(workspace, trainer=stand_in("complete")) as lab:
        spending.set_cost(lab, 7.2)
        ended(lab, launching.launch(lab, TINY).id)
        assert launch_of(lab, 1)["preflight"] is False
    assert preflights.is_due(TRAINER, 0.1)
    assert not preflights.is_due(TRAINER, 0.0)
    assert not preflights.is_due(TRAINER, None)


def test_it_can_be_turned_off_and_the_launch_says_so(lab, monkeypatch) -> None:
    monkeypatch.setenv(preflights.VARIABLE, "0")
    launched = launching.launch_group(lab, TINY | TOO_MANY | {"pause_after_steps": 1})
    assert launched.warnings == [
        "PAWN_PREFLIGHT=0: paid for from the first step on, without a preflight"
    ]
    trial = ended(lab, launched.trials[0].id)
    assert trial.state is State.PAUSED
    assert launch_of(lab, trial.id)["preflight"] is False
    assert not lab.paths.trial(trial.id).preflight.exists()


def test_a_trial_that_is_killed_while_it_is_tried_ends_as_killed(lab) -> None:
    long = TINY | {"batch_size": 4096, "max_seq_len": 512, "num_workers": 0}
    trial = in_state(lab, launching.launch(lab, long).id, State.RUNNING)
    eventually(lab.paths.trial(trial.id).phase.exists, "a preflight")
    killing.kill(lab, trial.id, reason="another question first")
    assert ended(lab, trial.id).state is State.KILLED
    eventually(lambda: nobody_left(lab, trial.id), "end of all processes")


CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "seed": ({"seed": 3}, True),
    "lr": ({"lr": 1e-2, "lr_schedule": "constant"}, True),
    "length": ({"total_steps": 500, "pause_after_steps": 4, "eval_interval": 7}, True),
    "uploads": ({"local_checkpoints": False, "hf_repo": "owner/name"}, True),
    "batch": ({"batch_size": 8}, False),
    "width": ({"d_model": 32}, False),
    "memory": ({"gradient_checkpointing": True}, False),
    "games": ({"mate_boost": 1.0}, False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_shape_is_what_a_step_holds_and_takes(change: str) -> None:
    changes, same = CHANGES[change]
    shapes = {
        preflights.shape(StoredConfig.of(parse_config(TINY | changed)), ["cpu"], None)
        for changed in ({}, changes)
    }
    assert (len(shapes) == 1) is same


def test_a_shape_is_known_on_devices_and_a_driver_like_these() -> None:
    config = StoredConfig.of(parse_config(TINY))
    places = (["A"], "1"), (["B"], "1"), (["A"], "2"), (["A", "A"], "1")
    assert len({preflights.shape(config, *place) for place in places}) == 4


def test_a_config_is_tried_on_the_executor_as_a_trial_that_is_put_aside(lab) -> None:
    told: list[State] = []
    trial, report = trying.on_executor(lab, TINY, lambda trial: told.append(trial.state), steps=2)
    assert told[-1] is State.COMPLETED
    assert report is not None
    assert (report.failed, report.steps) == (None, 2)
    assert report.cost == pytest.approx(report.whole_s / 1000)  # one of two slots
    assert queries.trial(lab, trial.id).archived
    assert lab.launcher.trainer == TRAINER
    trial, report = trying.on_executor(lab, TINY | TOO_MANY, lambda _: None)
    assert trial.state is State.FAILED
    assert report is not None
    assert report.failed is not None
    assert report.failed.name == "disk"


def test_a_config_is_tried_here_on_a_device_that_is_free(lab) -> None:
    report = trying.here(lab, TINY, steps=2)
    assert (report.failed, report.steps, report.cost is None) == (None, 2, False)
    assert not [path for path in lab.paths.root.rglob("*preflight*") if path.is_dir()]
