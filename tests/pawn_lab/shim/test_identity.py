"""A signal reaches only a process that is proven ours."""

import dataclasses
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from lab_testing import CONFIG, ended, eventually, shim_of, trainer_greeting

from pawn_lab.documents import read_json_object, write_json
from pawn_lab.lab import killing, launching
from pawn_lab.shim import identity
from pawn_lab.shim.identity import TOKEN_VARIABLE, ProcessIdentity
from pawn_lab.states import State

SLEEPER = [sys.executable, "-S", "-c", "import signal\nwhile True: signal.pause()"]


@pytest.fixture
def process() -> Iterator[subprocess.Popen]:
    """A live process that carries the token `ours`."""
    child = subprocess.Popen(SLEEPER, env=os.environ | {TOKEN_VARIABLE: "ours"})
    eventually(lambda: identity.token_of(child.pid) == "ours", "start of the process")
    yield child
    child.kill()
    child.wait()


def identity_of(process: subprocess.Popen) -> ProcessIdentity:
    ticks = identity.start_ticks(process.pid)
    return ProcessIdentity(process.pid, identity.boot_id(), ticks, "ours")


def test_our_own_process_is_signalled(process):
    ours = identity_of(process)
    assert identity.is_alive(ours)
    assert identity.send_signal(ours, signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    assert not identity.is_alive(ours)
    assert not identity.send_signal(ours, signal.SIGTERM)


@pytest.mark.parametrize(
    "difference",
    [{"boot_id": "another boot"}, {"start_ticks": 1}, {"token": "another trial"}],
)
def test_a_process_that_differs_in_anything_is_a_stranger(process, difference):
    stranger = dataclasses.replace(identity_of(process), **difference)
    assert not identity.is_alive(stranger)
    assert not identity.send_signal(stranger, signal.SIGKILL)
    assert process.poll() is None


@pytest.mark.parametrize(
    "times", [pytest.param(20, id="20"), pytest.param(200, id="200", marks=pytest.mark.slow)]
)
def test_a_reused_process_number_is_never_signalled(process, times):
    rng = random.Random(0)
    ours = identity_of(process)
    for _ in range(times):
        started_earlier = dataclasses.replace(ours, start_ticks=rng.randrange(ours.start_ticks))
        assert not identity.send_signal(started_earlier, signal.SIGKILL)
        assert process.poll() is None


def test_a_kill_after_the_shims_number_was_reused_spares_the_stranger(open_lab, process):
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    shim, paths = shim_of(lab, trial_id), lab.paths.trial(trial_id)
    record = read_json_object(paths.identity)
    guardian = record["guardian"] | {"pid": process.pid}
    write_json(paths.identity, record | {"pid": process.pid, "guardian": guardian})
    killing.kill(lab, trial_id)
    assert ended(lab, trial_id).state is State.LOST
    assert process.poll() is None
    assert not identity.is_alive(shim)


def test_members_are_found_by_their_token(process):
    assert identity.members("ours") == [process.pid]
    assert identity.kill_members("somebody else's") == []
    assert process.poll() is None
    assert identity.kill_members("ours") == [process.pid]
    assert process.wait() == -signal.SIGKILL


def test_a_mark_reaches_what_a_process_starts_and_nobody_else(process):
    code = "from pawn_lab.shim.identity import mark_this_process; import subprocess, sys\n"
    code += "mark_this_process('ours')\n"
    code += "child = subprocess.Popen(['sleep', '100'], env={}, start_new_session=True)\n"
    code += "print(child.pid, flush=True); child.wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        marked = {parent.pid, child}
        assert {pid for pid in identity.process_ids() if identity.is_marked(pid, "ours")} == marked
        assert not identity.kill_member(child, "another trial")
        assert set(identity.kill_members("ours")) == marked | {process.pid}
        assert parent.wait() == -signal.SIGKILL
    eventually(lambda: not identity.is_marked(child, "ours"), "end of the child")


def test_a_signal_that_a_stopped_process_has_not_taken_waits(process):
    ours = identity_of(process)
    assert not identity.is_stopped(ours)
    identity.send_signal(ours, signal.SIGSTOP)
    eventually(lambda: identity.is_stopped(ours), "stop")
    identity.send_signal(ours, signal.SIGTERM)
    assert identity.ignores(ours, signal.SIGTERM)
    assert not identity.ignores(ours, signal.SIGHUP)
    identity.send_signal(ours, signal.SIGCONT)
    assert process.wait() == -signal.SIGTERM
    assert not identity.ignores(ours, signal.SIGTERM)


def test_an_identity_survives_being_written():
    ours = ProcessIdentity.of_self("t")
    assert ProcessIdentity.from_dict(ours.to_dict() | {"started_at": 1.0}) == ours


def test_a_strangers_token_that_is_not_utf8_is_only_another_token(process):
    stranger = subprocess.Popen(SLEEPER, env={**os.environb, TOKEN_VARIABLE.encode(): b"\xff"})
    eventually(lambda: identity.token_of(stranger.pid) == os.fsdecode(b"\xff"), "its start")
    assert identity.members("ours") == [process.pid]
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize("name", [b"(a) b) c", b"\xff\xe9) \n("])
def test_a_process_name_of_any_bytes_is_parsed(name):
    set_name = f"import ctypes, signal; ctypes.CDLL(None).prctl(15, {name!r})"
    code = f"{set_name}; print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert identity.parent_of(child.pid) == os.getpid()
        assert identity.start_ticks(child.pid) > 0
        child.kill()
