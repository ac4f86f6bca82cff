"""What the doctor finds: each check where all is well, and where it is not, with what mends it."""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from lab_testing import add_ended_trial
from loopback import served
from past_trials import TOY

from pawn_lab.doctor import CHECKS, Diagnosis, Patient, accounts, examine, machine, programs
from pawn_lab.doctor import workspace as of_workspace
from pawn_lab.doctor.diagnosis import ok
from pawn_lab.executors.local import devices as local
from pawn_lab.hosts import Place, host_named, install
from pawn_lab.hosts.codex import TRUST, trust_digests
from pawn_lab.lab import Lab
from pawn_lab.paths import WorkspacePaths


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    """A lab with a trial that has ended."""
    with Lab.open(tmp_path / "project" / "runs") as lab:
        add_ended_trial(lab, TOY)
    home = tmp_path / "home"
    home.mkdir()
    return Patient(WorkspacePaths(tmp_path / "project" / "runs"), tmp_path / "project", home, {})


def only(findings: Iterator[Diagnosis]) -> Diagnosis:
    (finding,) = findings
    return finding


def test_every_check_has_a_name_of_its_own_and_says_what_it_looks_at():
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)
    assert all(check.__doc__ for check in CHECKS)


@pytest.mark.parametrize(
    "check",
    [
        *(machine.toolchain, machine.driver, machine.disk),
        *(of_workspace.workspace, of_workspace.database, of_workspace.executor),
    ],
)
def test_where_all_is_well_a_check_says_so(check, patient):
    assert {finding.status for finding in check(patient)} <= {"ok", "warn"}
    assert next(check(patient)).status == "ok"


def test_what_is_not_well_comes_with_what_mends_it(patient, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = only(of_workspace.workspace(patient))
    assert finding.status == "fail"
    assert "chown" in finding.mend


def test_a_folder_without_a_lab_is_only_a_warning(tmp_path):
    nowhere = Patient(WorkspacePaths(tmp_path / "new" / "runs"), tmp_path, tmp_path, {})
    assert nowhere.nearest_folder() == tmp_path
    assert only(of_workspace.workspace(nowhere)).status in ("fail", "warn")
    assert list(of_workspace.database(nowhere)) == []


def test_a_network_disk_is_named(patient, tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(of_workspace, "_MOUNTS", mounts)
    well, network = of_workspace.workspace(patient)
    assert (well.status, network.status) == ("ok", "warn")
    assert "nfs4" in network.what


@pytest.mark.parametrize(
    ("free", "status"), [(1 << 40, "ok"), (10 << 30, "warn"), (100 << 20, "fail")]
)
def test_the_disk_of_the_workspace_is_the_one_that_counts(patient, monkeypatch, free, status):
    asked = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=free, total=1 << 40)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    finding, *_ = machine.disk(patient)
    assert finding.status == status
    assert asked[0] == patient.paths.root


def test_little_shared_memory_is_a_warning(patient, monkeypatch):
    docker = SimpleNamespace(free=1 << 40, total=64 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: docker)
    _, shared = machine.disk(patient)
    assert "bus error" in shared.what


def test_a_damaged_database_is_found_and_left_where_it_is(patient):
    patient.paths.database.write_bytes(b"garbage" * 1000)
    finding = only(of_workspace.database(patient))
    assert finding.status == "fail"
    assert "backup" in finding.mend
    assert patient.paths.database.read_bytes() == b"garbage" * 1000


def test_a_database_that_is_missing_while_there_are_trials_is_found(patient):
    for file in patient.paths.database_files:
        file.unlink(missing_ok=True)
    assert "is missing while there are trials" in only(of_workspace.database(patient)).what


def test_an_executor_that_cannot_be_read_is_found(patient):
    patient.paths.executor.write_text('{"executor": "cloud"}')
    finding = only(of_workspace.executor(patient))
    assert finding.status == "fail"
    assert "cloud" in finding.what


def test_a_port_that_is_taken_is_a_warning_with_another_command(patient, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(of_workspace, "PORTS", {taken.getsockname()[1]: "serve"})
        finding = only(of_workspace.ports(patient))
    assert (finding.status, finding.mend) == ("warn", "pawn-lab serve --port 0")


BUILD = {"version": "2.9", "cuda": "13.0", "hip": None}


@pytest.mark.parametrize(
    ("said", "driver", "status"),
    [
        ({"gpus": 0}, None, "ok"),
        ({"gpus": 2}, "580.10", "ok"),
        ({"cuda": None}, "580.10", "fail"),
        ({"error": "The NVIDIA driver on your system is too old"}, "470.1", "fail"),
        ({"gpus": 0}, "580.10", "fail"),
    ],
    ids=["no GPU", "finds them", "a CPU build", "an old driver", "finds none"],
)
def test_a_build_of_torch_is_judged_beside_the_driver(monkeypatch, said, driver, status):
    monkeypatch.delenv(local.VISIBLE_VARIABLE, raising=False)
    finding = machine._fits(BUILD | said, driver)
    assert finding.status == status
    assert (finding.mend is None) == (status == "ok")
    assert said.get("error", "") in finding.what


def test_hidden_gpus_are_nothing_to_mend(monkeypatch):
    monkeypatch.setenv(local.VISIBLE_VARIABLE, "")
    assert machine._fits(BUILD | {"gpus": 0}, "580.10").status == "ok"


def test_a_torch_that_hangs_or_breaks_is_a_finding(patient, monkeypatch):
    hung = programs.python("import signal; signal.pause()", limit_s=0.2)
    broken = programs.python("raise ImportError('libcudart.so.13: cannot open')", limit_s=60)
    for ran, words in ((hung, "did not come up"), (broken, "libcudart.so.13")):
        monkeypatch.setattr(machine, "python", lambda *_, ran=ran: ran)
        finding = only(machine.torch(patient))
        assert finding.status == "fail"
        assert words in finding.what


def test_a_card_without_a_driver_is_found(patient, tmp_path, monkeypatch):
    card = tmp_path / "devices" / "0000:01:00.0"
    card.mkdir(parents=True)
    (card / "vendor").write_text("0x10de\n")
    (card / "class").write_text("0x030200\n")
    monkeypatch.setattr(machine, "_PCI", card.parent)
    monkeypatch.setattr(machine, "driver_version", lambda: None)
    assert only(machine.driver(patient)).status == "fail"


def test_devices_that_cannot_be_meant_are_found(patient, monkeypatch):
    monkeypatch.setenv(local.CPU_SLOTS_VARIABLE, "many")
    finding = only(machine.devices(patient))
    assert "PAWN_CPU_SLOTS 'many'" in finding.what


class Hub(BaseHTTPRequestHandler):
    """A hub that knows one token."""

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        """Answer who somebody is."""
        known = self.headers["authorization"] == "Bearer hf_known"
        self.send_response(200 if known else 401)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"name": "ada"} if known else {}).encode())


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        ("hf_known", "ok", "logged in at the hub as ada"),
        ("hf_other", "fail", "does not know the token"),
        (None, "warn", "no login"),
    ],
)
def test_the_login_at_the_hub_is_really_tried(patient, monkeypatch, tmp_path, token, status, words):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with served(Hub) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        finding = only(accounts.hub(patient))
    assert finding.status == status
    assert words in finding.what


OF_CODEX = "sha256:3640b0af20797236c38b2589e414d5b544b9552ab4a593a0783b97d6c275c87e"


def put(patient: Patient, name: str) -> Place:
    place = Place("user", patient.folder, patient.home, {})
    for change in install(host_named(name), place):
        change.make()
    return place


def test_hooks_that_codex_does_not_trust_yet_are_named(patient):
    put(patient, "codex")
    current, trust = accounts.hosts(patient)
    assert (current.status, trust.status) == ("ok", "warn")
    assert "/hooks" in trust.mend


def test_hooks_that_codex_trusts_are_well(patient):
    put(patient, "codex")
    folder = patient.home / ".codex"
    states = "".join(
        f'\n[hooks.state."{key}"]\ntrusted_hash = "{digest}"\n'
        for key, digest in trust_digests(folder / "hooks.json").items()
    )
    config = folder / "config.toml"
    config.write_text(states + config.read_text())
    assert only(accounts.hosts(patient)).status == "ok"
    trusted = config.read_text()
    config.write_text(trusted.replace("sha256:", "sha256:0", 1))  # changed since it was trusted
    assert [*accounts.hosts(patient)][-1].mend == TRUST
    config.write_text("[features]\nhooks = false\n" + trusted)
    assert "features.hooks" in [*accounts.hosts(patient)][-1].what


def test_codex_reckons_its_trust_as_we_do(tmp_path):
    """The digests are those that Codex 0.171 lists for these hooks."""
    command = "sh '/opt/größer lab/hooks/run.sh' pre_tool_use"
    row = {"hooks": [{"type": "command", "command": command, "timeout": 30}]}
    file = tmp_path / "hooks.json"
    file.write_text(json.dumps({"hooks": {"PreToolUse": [{"matcher": "Bash"} | row]}}))
    assert trust_digests(file) == {f"{file}:pre_tool_use:0:0": OF_CODEX}


def test_an_agent_with_another_version_of_the_lab_is_named_with_the_command(patient):
    place = put(patient, "cursor")
    file = place.home / ".cursor" / "hooks.json"
    file.write_text(file.read_text().replace("sh ", "sh /old", 1))
    finding = only(accounts.hosts(patient))
    assert finding.mend == "pawn-lab install --host cursor --scope user"


def test_a_check_that_fails_or_hangs_is_a_finding_and_holds_up_no_other(patient):
    gone = Event()

    def breaks(_: Patient) -> Iterator[Diagnosis]:
        raise RuntimeError("odd machine")
        yield

    def hangs(_: Patient) -> Iterator[Diagnosis]:
        gone.wait()
        yield ok("at last")

    def works(_: Patient) -> Iterator[Diagnosis]:
        yield ok("well")

    found = examine(patient, (breaks, hangs, works), limit_s=0.2)
    gone.set()
    assert [name for name, _ in found] == ["breaks", "hangs", "works"]
    assert [finding.status for _, finding in found] == ["fail", "fail", "ok"]
    assert "odd machine" in found[0][1].what


def test_looking_changes_nothing(patient):
    def files() -> dict[str, int]:
        return {str(p): p.stat().st_mtime_ns for p in patient.folder.rglob("*") if p.is_file()}

    before = files()
    examine(patient, tuple(check for check in CHECKS if check not in (machine.torch, accounts.hub)))
    assert files() == before
