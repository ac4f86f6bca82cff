"""A hub on this machine, somebody who is logged in there, and a run to upload."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_hub import FakeHub, log_in
from tiny import TINY

from pawn_core.config import parse_config
from pawn_core.signals import StopFlag
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import destination_named, places
from pawn_core.uploads.worker import Orders, Report, Worker

HUB = {"local_checkpoints": False, "hf_repo": "owner/name"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Return the hub that this process and its children talk to, with a token in their home."""
    with FakeHub(xet_store=tmp_path / "xet") as server:
        log_in(monkeypatch, server, tmp_path)
        yield server


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with checkpoints at steps 4, 8 and 12; the last is the best."""
    from pawn_core.training.trainer import run_training

    run_dir = tmp_path_factory.mktemp("trained") / "run"
    run_training(parse_config(TINY), run_dir, None, StopFlag())
    return run_dir


@pytest.fixture
def run_dir(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of that run."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def client_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the hub's client go on at once where it would pause; return for how long it would."""
    pauses: list[float] = []
    clock = SimpleNamespace(sleep=pauses.append)
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock)
    return pauses


class Uploading:
    """A worker of this process, and what it reports."""

    def __init__(self, run_dir: Path, destination: str = "hf_repo", **options: Any) -> None:
        self.run_dir = run_dir
        self.reports: list[Report] = []
        self.pauses: list[float] = []
        self.orders = Orders(up_to=None, ending=True)
        config = HUB | {"hf_bucket": "hf://buckets/owner/bucket"}
        self.where = places(config, run_dir)[destination]
        self.record = UploadRecord.read(run_dir, destination, self.where)
        self.worker = Worker(
            run_dir,
            destination_named(destination).build(self.where),
            self.record,
            self.reports.append,
            self.orders,
            pause=self.pauses.append,
            **options,
        )

    def run(self, up_to: int | None = None) -> None:
        """Upload what is missing up to a step."""
        self.orders.take({"up_to": up_to})
        self.worker.run()

    def events(self, name: str) -> list[Report]:
        """Return the reports of a kind."""
        return [report for report in self.reports if report["event"] == name]


@pytest.fixture
def uploading(hub: FakeHub, client_pauses: list[float]) -> Callable[..., Uploading]:
    """Return a function that prepares an upload: `uploading(run_dir)`."""
    return Uploading
