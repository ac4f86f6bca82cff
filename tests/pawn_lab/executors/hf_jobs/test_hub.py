"""What is asked of the hub goes through its real client, whatever comes back."""

from pathlib import Path

import pytest
from contract import HF_JOBS
from fake_hub import Fault, log_in
from hf_cloud import HfCloud, XetStore

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.hf_jobs.hub import Hub, HubError, HubRefusedError, hourly_cost
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.executors.registry import executor_named


def hub(**settings: str) -> Hub:
    """Return the hub as the lab asks it."""
    return Hub(HfJobsSettings.model_validate(HF_JOBS | settings))


def test_files_come_back_through_the_storage_library_as_they_were_given(tmp_path, monkeypatch):
    store = XetStore(tmp_path / "xet")
    with HfCloud(tmp_path, tmp_path / "runs" / "lab", store) as cloud:
        log_in(monkeypatch, cloud, tmp_path)
        (tmp_path / "large").write_bytes(bytes(range(256)) * 4096)
        hub().open_bucket()
        hub().open_bucket()
        hub().give("abc", [(b"small\n", "out/small"), (tmp_path / "large", "out/run/large")])
        files = hub().files("abc", "out")
        assert sorted(files) == ["run/large", "small"]
        places = {name: tmp_path / "back" / name for name in files}
        hub().fetch([(files[name], place) for name, place in places.items()])
        assert places["small"].read_bytes() == b"small\n"
        assert places["run/large"].read_bytes() == (tmp_path / "large").read_bytes()


def test_a_flavor_has_the_listed_price_and_an_unknown_one_is_refused_by_name(cloud):
    assert hourly_cost(hub().hardware()) == pytest.approx(167e-6 * 60)
    with pytest.raises(HubRefusedError, match=r"flavor 'l5' is unknown; one of: cpu-basic, l4x1$"):
        hub(flavor="l5").hardware()


@pytest.mark.parametrize(("how", "error"), [(402, HubRefusedError), (503, HubError)])
def test_what_the_hub_refuses_is_told_from_what_it_leaves_open(cloud, how, error):
    cloud.faults = [Fault("GET /api/jobs/owner/7", how)]
    with pytest.raises(HubError, match=f"the hub: {how} as told") as raised:
        hub().inspect("7")
    assert type(raised.value) is error


def test_nobody_who_is_not_logged_in_gets_a_job(cloud, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(HubError, match="nobody is logged in"):
        hub().find("abc")


def test_a_flavor_of_several_gpus_is_refused_and_one_must_be_named():
    with pytest.raises(InvalidRequestError, match=r"flavor.*l4x4.*one GPU"):
        executor_named("hf_jobs", HF_JOBS | {"flavor": "l4x4"})
    with pytest.raises(InvalidRequestError, match="flavor"):
        executor_named("hf_jobs", {"namespace": "owner"})


def test_a_job_sees_one_gpu_of_the_listed_size(cloud, tmp_path: Path):
    executor = executor_named("hf_jobs", HF_JOBS | {"flavor": "l4x1"})
    assert executor.machine(executor.devices()).gpus == (24 << 30,)
    assert [device.kind for device in executor.devices()] == ["gpu", "gpu"]
    assert executor.cost_per_hour() == pytest.approx(2 * 13_333e-6 * 60)


def test_a_check_tries_a_write_and_says_what_is_wrong(place, cloud):
    assert place.executor().check() == []
    cloud.faults = [Fault("/batch", 403)]
    [ailment] = place.executor().check()
    assert "403" in ailment.what
