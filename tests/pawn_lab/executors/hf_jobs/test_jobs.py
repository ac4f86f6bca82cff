"""No job runs, and bills, without a limit, a reason, or a lab that knows of it."""

import json
import os
import shutil

import pytest
from contract import HF_JOBS, in_a_process_that_dies, open_lab_at
from fake_hub import TOKEN, Fault
from lab_testing import CONFIG, TOY, ended, in_state, open_gate, trial_row

from pawn_core.checkpoint.manifest import verify
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import Claim, Life
from pawn_lab.executors.hf_jobs import mirror, watch
from pawn_lab.executors.hf_jobs.hub import LABEL, Hub
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.lab import Lab, approving, choosing, killing, launching, queries, resuming, spending
from pawn_lab.scheduling import supervision
from pawn_lab.states import State

STUDY = {"total_steps": 100, "eval_interval": 50}


def messages(lab):
    """Return what the events say."""
    return "\n".join(event.message for event in queries.events(lab, limit=1000).events)


def test_a_job_has_a_limit_a_label_a_folder_and_the_token_as_a_secret(place, cloud, workspace):
    with open_lab_at(place, workspace, "complete") as lab:
        launching.launch_group(lab, CONFIG, max_hours=2.0)
        assert ended(lab, 1).state is State.COMPLETED
        node = json.loads(lab.paths.trial(1).node.read_text())
        provenance = lab.paths.trial(1).provenance.read_text()
        entry = next(lab.paths.jobs.glob("*.json"))
        assert entry.stat().st_mode & 0o077 == 0
    [spec] = cloud.specs
    assert spec["timeoutSeconds"] == 2 * 3600 + 20 * 60
    assert spec["attempts"] == 1
    assert spec["labels"] == {LABEL: entry.stem, "name": "pawn-trial-1"}
    [volume] = spec["volumes"]
    assert (volume["source"], volume["path"]) == ("owner/pawn-lab", f"jobs/{entry.stem}")
    assert spec.pop("secrets") == {"HF_TOKEN": TOKEN}
    assert TOKEN not in str(spec)
    assert '"device": "hf:0"' in provenance
    assert (node["token"], node["cores"]) == (entry.stem, sorted(os.sched_getaffinity(0)))
    bucket = cloud.bucket("owner/pawn-lab")
    assert not any(TOKEN.encode() in f.read_bytes() for f in bucket.rglob("*") if f.is_file())
    assert not any(TOKEN.encode() in f.read_bytes() for f in workspace.rglob("*") if f.is_file())


def test_a_job_of_known_length_may_take_twice_as_long_as_those_like_it(place, cloud, workspace):
    with open_lab_at(place, workspace, "gate") as lab:
        executor, limits = lab.executor, {}
        for expected_s in (None, 1000.0):
            claim = fake_claim(lab, expected_s)
            limits[expected_s] = executor._limited(claim).limits["wall_clock_s"]
    assert limits == {None: 24 * 3600, 1000.0: 2060.0}


def fake_claim(lab, expected_s):
    """Return a claim of a trial without a limit of its own."""
    return Claim(trial_row(CONFIG), lab.devices, 2, -1, expected_s)


def test_checkpoints_come_back_verified_and_a_job_goes_on_from_them(place, cloud, workspace):
    with open_lab_at(place, workspace, "study") as lab:
        launching.launch(lab, CONFIG | STUDY | {"pause_after_steps": 50})
        assert ended(lab, 1).state is State.PAUSED
        [checkpoint] = lab.paths.trial(1).checkpoints.iterdir()
        assert verify(checkpoint).step == 50
        resumed = resuming.resume(lab, 1)
        assert ended(lab, resumed.id).state is State.COMPLETED
        assert resumed.from_step == 50
    assert cloud.live() == []


def test_a_checkpoint_that_is_not_what_it_says_is_left_out(place, cloud, tmp_path, workspace):
    files = {"run/checkpoints/step_00000050/.complete": b'{"format": 1, "step": 50, "files": '}
    hub = Hub(HfJobsSettings.model_validate(HF_JOBS))
    hub.give("abc", [(data, f"out/{name}") for name, data in files.items()])
    hub.give("abc", [(b"x", "out/run/checkpoints/step_00000060/model.safetensors")])
    hub.give("abc", [(b"x", "out/../../outside"), (b"x", "out/lab.db")])
    with open_lab_at(place, workspace) as lab:
        paths = lab.paths.trial(1)
        paths.root.mkdir(parents=True)
        listed = mirror.listed(hub, "abc")
        assert mirror.lacking(paths, listed) == ["step_00000050"]
        mirror.bring_checkpoint(paths, "step_00000050", listed, hub)
        assert mirror.lacking(paths, listed) == []
        mirror.small_files(paths, listed, {}, hub)
        assert not any(path.is_file() and path.stat().st_size for path in paths.root.rglob("*"))


def test_a_job_that_the_hub_took_without_saying_so_is_found_by_its_label(place, cloud, workspace):
    cloud.faults = [Fault("POST /api/jobs/owner", "drop after")]
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED
    assert len(cloud.specs) == 1


def test_a_lab_that_died_before_the_hub_took_a_job_launches_again(place, cloud, workspace):
    cloud.faults = [Fault("POST /api/jobs/owner", "drop")]

    def launch() -> None:
        with open_lab_at(place, workspace) as lab:
            launching.launch(lab, CONFIG)

    in_a_process_that_dies(launch)
    with open_lab_at(place, workspace) as lab:
        in_state(lab, 1, State.RUNNING)
        assert "queued again: the hub never had a job of it" in messages(lab)
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED
    assert len(cloud.specs) == 1


def test_a_job_that_waits_in_the_hubs_queue_is_taken_out_by_a_kill(place, cloud, workspace):
    cloud.is_full = True
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        assert queries.trial(lab, 1).state is State.LAUNCHING
        assert killing.kill(lab, 1).state is State.KILLED
        assert "it was taken out of the queue" in messages(lab)
        assert cloud.live() == []


def test_while_the_hub_does_not_answer_nothing_is_concluded_or_launched(place, cloud, workspace):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        launching.launch(lab, CONFIG | {"seed": 1}, hold=True)
        in_state(lab, 1, State.RUNNING)
    cloud.faults = [Fault("", 500, 1_000_000)]
    with open_lab_at(place, workspace) as lab:
        approving.approve(lab, [2])
        with pytest.raises(InvalidRequestError, match="the hub: 500 as told"):
            launching.launch(lab, CONFIG | {"seed": 2})
        states = [queries.trial(lab, number).state for number in (1, 2)]
        assert states == [State.RUNNING, State.QUEUED]
        attempt = next(iter(attempts(lab)))
        assert lab.executor.look([attempt])[attempt].life is Life.UNKNOWN
        assert not lab.executor.end(attempt)
    cloud.faults = []
    with open_lab_at(place, workspace) as lab:
        for number in (1, 2):
            in_state(lab, number, State.RUNNING)
            open_gate(lab, number)
            assert ended(lab, number).state is State.COMPLETED


def attempts(lab):
    """Return the attempts that trials hold."""
    with lab.database.read() as tx:
        return supervision.attempts(tx, lab.paths)


def test_a_job_that_no_trial_holds_is_canceled(place, cloud, workspace, monkeypatch):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        [attempt] = attempts(lab)
        assert lab.executor.clear(lab.paths, []) == []
        monkeypatch.setattr(watch, "CLEAR_S", 0.0)
        assert lab.executor.clear(lab.paths, [attempt]) == []
        assert len(cloud.live()) == 1
        [step] = lab.executor.clear(lab.paths, [])
        assert "of trial 1 ran on, held by no trial: canceled" in step
        assert cloud.live() == []
        assert lab.executor.clear(lab.paths, []) == []
        assert list(lab.paths.jobs.glob("*.json")) == []


def test_a_copy_of_the_workspace_leaves_the_jobs_of_the_other_alone(
    place, cloud, workspace, tmp_path, monkeypatch
):
    monkeypatch.setattr(watch, "CLEAR_S", 0.0)
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
    shutil.copytree(workspace, tmp_path / "copy")
    with open_lab_at(place, tmp_path / "copy") as lab:
        assert ended(lab, 1).state is State.LOST
        killing_is_late = [event.message for event in queries.events(lab).events][-1]
        assert "copy" in killing_is_late
        lab.tick()
    assert len(cloud.live()) == 1


@pytest.mark.parametrize("damage", [b"[1]", None])
def test_a_job_is_found_by_its_label_when_what_was_noted_of_it_is_damaged_or_gone(
    place, cloud, workspace, damage
):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        [attempt] = attempts(lab)
        noted = lab.paths.job(attempt.token)
        noted.unlink()
        if damage is not None:
            noted.write_bytes(damage)
            assert lab.executor.look([attempt])[attempt].life is Life.ALIVE
        assert lab.executor.end(attempt)
        assert cloud.live() == []


def test_a_job_whose_node_fails_says_how_it_ended(place, cloud, workspace):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        [job] = cloud.jobs.values()
        job.vanish()
        trial = ended(lab, 1)
        assert trial.state is State.LOST
        assert f"job {job.id} is ERROR: Job failed with exit code: -9" in trial.exit.message


def test_a_job_that_does_not_stop_is_canceled_in_the_end(place, cloud, workspace, monkeypatch):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        [attempt] = attempts(lab)
        assert lab.executor.tend(attempt, attempt.shim(), 239.0) == []
        [step] = lab.executor.tend(attempt, attempt.shim(), 300.0)
        assert "has not ended in 300 s: canceled" in step
        assert cloud.live() == []
        assert lab.executor.tend(attempt, attempt.shim(), 301.0) == []


def test_the_budgets_end_reaches_the_shim_of_a_job(place, cloud, workspace):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        spending.set_cost(lab, 3600.0, budget=0.01)
        trial = ended(lab, 1)
        assert (trial.state, trial.exit.reason) == (State.KILLED, "budget")


def test_the_price_of_the_list_is_the_labs_until_trials_run_elsewhere(cloud, workspace, place):
    with Lab.open(workspace) as lab:
        choosing.choose(lab, "hf_jobs", HF_JOBS | {"flavor": "l4x1"})
        assert spending.cost(lab).cost_per_hour == pytest.approx(2 * 13_333e-6 * 60)
        choosing.choose(lab, "local", {})
        assert spending.cost(lab).cost_per_hour == 0


@pytest.mark.slow
def test_a_real_trainer_is_tried_trains_and_saves_in_a_job(place, cloud, workspace):
    with Lab.open(workspace) as lab:
        choosing.choose(lab, "hf_jobs", HF_JOBS)
        launching.launch(lab, TOY | {"pause_after_steps": 4})
        assert ended(lab, 1).state is State.PAUSED
        assert len(list(lab.paths.preflights.glob("*.json"))) == 1
        resumed = resuming.resume(lab, 1).id
        assert ended(lab, resumed).state is State.COMPLETED
        assert verify(lab.paths.trial(resumed).checkpoints / "step_00000008").step == 8
    assert cloud.live() == []
