"""What the lab's tests share: deadlines, stand-in trainers, checkpoints, process look-ups."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pawn_core.checkpoint.manifest import checkpoint_name, seal
from pawn_core.config import parse_config
from pawn_core.durable import replace_file
from pawn_core.run_paths import FILES
from pawn_lab.configs import StoredConfig
from pawn_lab.lab import Lab, queries
from pawn_lab.locks import try_lock
from pawn_lab.records import Exit, Trial
from pawn_lab.shim import identity
from pawn_lab.states import ENDED, State
from pawn_lab.store import Database, Transaction, TrialRow, trials

T = TypeVar("T")

PAWN_LAB = Path(sys.executable).with_name("pawn-lab")
STAND_IN = Path(__file__).with_name("stand_in.py")
CONFIG = {"variant": "toy", "local_checkpoints": True, "total_steps": 1000, "eval_interval": 100}
TOY: dict[str, Any] = {
    "run_type": "pretrain",
    "variant": "toy",
    "max_seq_len": 32,
    "batch_size": 4,
    "total_steps": 8,
    "eval_interval": 2,
    "log_interval": 1,
    "val_games": 8,
    "device": "cpu",
    "no_compile": True,
    "num_workers": 0,
    "local_checkpoints": True,
}
"""A config that a real trainer ends in a second."""
DEADLINE_S = 120.0
EMPTY_TENSORS = (2).to_bytes(8, "little") + b"{}"


def stand_in(behaviour: str) -> list[str]:
    """Return the trainer command of a stand-in."""
    return [sys.executable, "-S", str(STAND_IN), behaviour]


def eventually(look: Callable[[], T | bool | None], what: str = "condition") -> T:
    """Return the first true value of `look`; fail when the deadline passes without one."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {DEADLINE_S:g} s"
        time.sleep(0.005)
    return found  # type: ignore[return-value]


def ended(lab: Lab, trial_id: int) -> Trial:
    """Wait for the end of a trial."""

    def look() -> Trial | None:
        trial = queries.trial(lab, trial_id)
        return trial if trial.state in ENDED else None

    return eventually(look, f"end of trial {trial_id}")


def in_state(lab: Lab, trial_id: int, state: State) -> Trial:
    """Wait until a trial is in a state."""

    def look() -> Trial | None:
        trial = queries.trial(lab, trial_id)
        return trial if trial.state is state else None

    return eventually(look, f"trial {trial_id} in {state}")


def open_gate(lab: Lab, trial_id: int, behaviour: str = "") -> None:
    """Let a stand-in that waits at its gate go on, with another behaviour if one is given."""
    gate = lab.paths.trial(trial_id).root / "gate"
    replace_file(gate, behaviour.encode())


def identity_of(pid: int, token: str) -> identity.ProcessIdentity:
    """Return who a live process of the trial with this token is."""
    return identity.ProcessIdentity(pid, identity.boot_id(), identity.start_ticks(pid), token)


def shim_of(lab: Lab, trial_id: int) -> identity.ProcessIdentity:
    """Return who a trial's shim is, once it has said so."""
    return identity.ProcessIdentity.from_dict(_identity_file(lab, trial_id))


def guardian_of(lab: Lab, trial_id: int) -> identity.ProcessIdentity:
    """Return who the guardian above a trial's shim is."""
    return identity.ProcessIdentity.from_dict(_identity_file(lab, trial_id)["guardian"])


def _identity_file(lab: Lab, trial_id: int) -> dict:
    written = lab.paths.trial(trial_id).identity
    eventually(written.exists, f"shim of trial {trial_id}")
    return json.loads(written.read_text())


def trainer_greeting(lab: Lab, trial_id: int) -> dict:
    """Return what a stand-in says first: its PID and environment."""
    log = lab.paths.trial(trial_id).log

    def look() -> dict | None:
        first, newline, _ = log.read_text().partition("\n") if log.exists() else ("", "", "")
        return json.loads(first) if newline else None

    return eventually(look, "greeting of the stand-in")


def nobody_left(lab: Lab, trial_id: int) -> bool:
    """Say whether no process of a trial is left."""
    token = shim_of(lab, trial_id).token
    return not identity.members(token) and not marked(token)


def marked(token: str) -> list[int]:
    """Return the trainer of a trial and what descends from it, whatever it has become."""
    return [pid for pid in identity.process_ids() if identity.is_marked(pid, token)]


def event_kinds(lab: Lab, trial_id: int) -> list[str]:
    """Return the kinds of a trial's events."""
    return [e.kind for e in queries.events(lab, limit=1000).events if e.trial_id == trial_id]


def write_losses(lab: Lab, trial_id: int, stop: int, floor: float = 3.0) -> None:
    """Write evaluations that fall to a floor as a power law, every 20 steps."""
    records = [
        {"type": "eval", "seq": n, "step": step, "time": 1.7e9 + n}
        | {"val_loss": floor + 10.0 * step**-0.5 + (-1) ** n * 0.002}
        for n, step in enumerate(range(20, stop + 1, 20))
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    replace_file(lab.paths.trial(trial_id).metrics, lines.encode())


def add_ended_trial(lab: Lab, config: dict[str, Any], stop: int = 200) -> int:
    """Put a completed trial with evaluations into a workspace as if it had run; return its number.

    The config lies in the database as it is given, whatever this version makes of it.
    """
    with closing(Database.open(lab.paths)) as database, database.write() as tx:
        row = _running_row(tx, config)
        how = Exit(code=0, signal=None, reason="completed", message="", step=stop)
        trials.move(tx, row, State.COMPLETED, "completed", exit=how)
    lab.paths.trial(row.id).run.mkdir(parents=True)
    write_losses(lab, row.id, stop)
    return row.id


def add_measured_trial(lab: Lab, losses: list[float | None], **config: Any) -> int:
    """Put in a completed trial whose evaluations, 100 steps apart, have these losses."""
    trial_id = add_ended_trial(lab, parse_config(CONFIG | config).model_dump(mode="json"))
    write_evaluations(lab, trial_id, losses)
    return trial_id


def write_evaluations(lab: Lab, trial_id: int, losses: list[float | None], first: int = 1) -> None:
    """Write evaluations 100 steps apart, the first of them after `first` such intervals."""
    records = [
        {"type": "eval", "step": 100 * step, "time": 1e9 + step, "val_loss": loss, "kl": loss}
        for step, loss in enumerate(losses, first)
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    lab.paths.trial(trial_id).metrics.write_text(lines)


@contextmanager
def add_running_trial(lab: Lab, config: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Put a trial into a workspace that runs as long as the block; yield its number and token."""
    with closing(Database.open(lab.paths)) as database, database.write() as tx:
        row = _running_row(tx, config)
        paths = lab.paths.trial(row.id)
        paths.run.mkdir(parents=True)
        lock = try_lock(paths.alive_lock)
    write_losses(lab, row.id, 200)
    yield row.id, row.held_token
    os.close(lock)


def _running_row(tx: Transaction, config: dict[str, Any]) -> TrialRow:
    columns = {"config": config, "tags": [], "hypothesis": None, "priority": 0}
    columns |= {"trainer": stand_in("complete"), "limits": {}, "request_hash": ""}
    row = trials.get(tx, trials.insert(tx, "queued", **columns))
    row = trials.move(tx, row, State.LAUNCHING, "launching", token=secrets.token_hex(8))
    return trials.move(tx, row, State.RUNNING, "trainer started", started_at=tx.now)


def trial_row(config: Mapping[str, Any], **columns: Any) -> TrialRow:
    """Return the row of a running trial with a config that no database has."""
    unset = dict.fromkeys(field.name for field in fields(TrialRow))
    needed = {
        "id": 1,
        "state": State.RUNNING,
        "tags": [],
        "priority": 0,
        "trainer": [],
        "limits": {},
    }
    needed |= {"request_hash": "", "attempts": 1, "created_at": 0.0}
    return TrialRow(**unset | needed | {"config": StoredConfig(config)} | columns)


def make_checkpoint(checkpoints: Path, step: int) -> Path:
    """Write a whole, verifiable checkpoint of no tensors."""
    path = checkpoints / checkpoint_name(step)
    path.mkdir(parents=True)
    for name in FILES:
        (path / name).write_bytes(EMPTY_TENSORS if name.endswith("safetensors") else b"{}")
    seal(path, step)
    return path


@contextmanager
def serving(workspace: Path, *arguments: str, token: str | None = None) -> Iterator[str]:
    """Run `pawn-lab serve` and yield its address."""
    environment = {k: v for k, v in os.environ.items() if k != "PAWN_LAB_TOKEN"}
    environment |= {"PAWN_LAB_TOKEN": token} if token else {}
    command = [PAWN_LAB, "serve", "--port", "0", "--workspace", str(workspace), *arguments]
    said = workspace.with_name("server.log")
    with said.open("wb") as log:
        server = subprocess.Popen(command, env=environment, stderr=log)
    try:
        yield eventually(lambda: re.search(r"http://\S+(?=\n)", said.read_text()), "address")[0]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(15)
