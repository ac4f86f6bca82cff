"""What is done on a pod, over ssh. Standard library only."""

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from errors import PodError
from handles import Handle
from shell import Done, Shell, parsed, reason

UNREACHABLE = 255
"""What ssh itself ends with."""
_REFUSED = 1
"""What `pawn-lab` ends with where the answer is no."""
VOLUME = '"${PAWN_VOLUME:-/workspace}"'
"""What outlives the pod, as its shell knows it."""
SOURCE, LOGS = f"{VOLUME}/pawn", f"{VOLUME}/logs"
"""Where `deploy` puts the code, and where output goes."""


class Gate(NamedTuple):
    """Whether a pod may be stopped for good, and what speaks against it."""

    ready: bool
    findings: list[str]


def ssh(handle: Handle, *command: str) -> list[str]:
    """Return the command line of ssh to a pod; its words reach the pod's shell as they are.

    Raises:
        PodError: where the pod is is not known.
    """
    if not handle.host:
        raise PodError(f"pod {handle.name!r} has no address yet; see: pod.sh status {handle.name}")
    options = ["StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={handle.known_hosts}"]
    options += ["ConnectTimeout=10", "ServerAliveInterval=15"]
    flags = [word for option in options for word in ("-o", option)]
    return ["ssh", *flags, "-p", handle.port, f"{handle.user}@{handle.host}", *command]


def run(shell: Shell, handle: Handle, script: str, stdin: str | None = None) -> Done:
    """Run a script in the pod's shell."""
    return shell.run(ssh(handle, script), stdin)


def answers(shell: Shell, handle: Handle) -> bool:
    """Say whether the pod lets us in."""
    return run(shell, handle, "true").code == 0


def tell_price(shell: Shell, handle: Handle, dollars: float) -> bool:
    """Tell the pod's lab what an hour costs, which its idle alarm needs; say whether it knows."""
    return run(shell, handle, f"pawn-lab set-cost {dollars:g}").code == 0


def gate(shell: Shell, handle: Handle) -> Gate:
    """Ask the pod's lab whether the machine may be stopped.

    Raises:
        PodError: it does not answer; nothing may be concluded from that.
    """
    done = run(shell, handle, "pawn-lab audit --json")
    if shell.dry_run:
        return Gate(True, [])
    if done.code not in (0, _REFUSED):
        raise PodError(f"pod {handle.name!r} does not say whether it may go: {reason(done)}")
    answer = parsed(done._replace(code=0), "audit")
    return Gate(answer["ready"], list(_blocking(answer["findings"])))


def _blocking(table: dict[str, Any]) -> Iterator[str]:
    for row in table["rows"]:
        finding = dict(zip(table["columns"], row, strict=True))
        if finding.get("blocks"):
            trial = finding.get("trial_id")
            yield f"trial {trial}: {finding['finding']}" if trial else finding["finding"]


@contextlib.contextmanager
def closed(shell: Shell, handle: Handle) -> Iterator[None]:
    """Let what runs on a pod save and end; for the length of the block nothing is launched there.

    Raises:
        PodError: something still runs, or the pod does not answer.
    """
    command = ssh(handle, f"{_STOP_SCRIPTS}\nexec pawn-lab close --hold --json")
    if shell.dry_run:
        print(shlex.join(command))
        yield
        return
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _check_closed(handle, process.stdout.readline())
            yield
        finally:
            process.stdin.close()


_STOP_SCRIPTS = f"""for file in {LOGS}/*.pid; do
  [ -e "$file" ] || continue
  group=-$(cat "$file")
  kill -s TERM -- "$group" 2>/dev/null
  while kill -s 0 -- "$group" 2>/dev/null; do sleep 0.2; done
  rm -f "$file"
done"""
"""Ends what `launch` has started outside of the lab, each a process group of its own."""


_RUNNING_SCRIPTS = f"""for file in {LOGS}/*.pid; do
  [ -e "$file" ] && kill -s 0 -- "-$(cat "$file")" 2>/dev/null && basename "$file" .pid
done
true"""


def scripts(shell: Shell, handle: Handle) -> list[str]:
    """Return what `launch` has started outside of the lab and still runs.

    Raises:
        PodError: the pod does not answer.
    """
    done = run(shell, handle, _RUNNING_SCRIPTS)
    if done.code:
        raise PodError(f"pod {handle.name!r} does not say what runs on it: {reason(done)}")
    return done.out.split()


def _check_closed(handle: Handle, line: bytes) -> None:
    try:
        answer = json.loads(line)
    except ValueError:
        raise PodError(f"the lab of pod {handle.name!r} cannot be closed") from None
    if answer["still_running"]:
        raise PodError(f"trials {answer['still_running']} of pod {handle.name!r} still run")


def send_source(shell: Shell, handle: Handle, root: Path) -> None:
    """Copy the files that git does not ignore, changed and new ones as they are, to the pod.

    Raises:
        PodError: the copy failed, or the folder is no checkout.
    """
    git = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, text=True)
    if listed.returncode:
        raise PodError(f"{root} is no checkout: {listed.stderr.strip()}")
    names = [name for name in listed.stdout.split("\0") if name and (root / name).exists()]
    pack = shlex.join(["tar", "-C", str(root), "--null", "-T", "-", "-czf", "-"])
    unpack = shlex.join(ssh(handle, f"mkdir -p {SOURCE} && tar -xzf - -C {SOURCE}"))
    done = shell.run(["bash", "-o", "pipefail", "-c", f"{pack} | {unpack}"], "\0".join(names))
    if done.code:
        raise PodError(f"the code cannot be copied: {reason(done)}")


SETUP = (
    f"cd {SOURCE} && export PATH=$HOME/.cargo/bin:$PATH && "
    "{ command -v cargo >/dev/null || "
    "curl -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal; } && make setup"
)
"""Builds the environment of the code on the volume; the image's own has no Rust in it."""


def save_config(shell: Shell, handle: Handle, config: Path) -> str:
    """Copy a config to the pod; return where it lies there.

    Raises:
        PodError: it is no JSON, or the copy failed.
    """
    try:
        text = config.read_text(encoding="utf-8")
        json.loads(text)
    except (OSError, ValueError) as error:
        raise PodError(f"config {str(config)!r} cannot be read as JSON: {error}") from None
    path = f"{LOGS}/{shlex.quote(config.name)}"
    done = run(shell, handle, f"cat > {path}", text)
    if done.code:
        raise PodError(f"the config cannot be copied: {reason(done)}")
    return path


def lab(verb: str, config: str, words: Sequence[str] = ()) -> str:
    """Return the script that gives the pod's lab a config; `config` as `save_config` returns it."""
    return f"pawn-lab {verb} --config {config} {shlex.join(words)}".rstrip()


def started(words: Sequence[str]) -> str:
    """Return the script that starts a command on a pod, in a process group of its own."""
    name = Path(words[0]).stem
    log, pid = f"{LOGS}/{name}.log", f"{LOGS}/{name}.pid"
    program = [".venv/bin/python"] * words[0].endswith(".py")
    command = shlex.join([*program, *words])
    script = shlex.quote(f"echo $$ >{pid}; exec {command} >>{log} 2>&1")
    return (
        f'cd "${{PAWN_SOURCE:-/opt/pawn}}" && mkdir -p {LOGS} && '
        f"{{ setsid sh -c {script} >/dev/null 2>&1 </dev/null & echo {log}; }}"
    )
