"""A Slurm of one node for tests: the real munged, slurmctld and slurmd, in a folder of its own."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from lab_testing import eventually

from pawn_core.prctl import die_with_parent
from pawn_lab.executors.slurm import jobs
from pawn_lab.shim import identity

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODE_DOWN_S = 10
_JOBS_APART = 1000
_SYSTEM_PATH = "/usr/sbin:/sbin"

_CONFIGURATION = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=1,bf_interval=1
ReturnToService=2
KillWait=5
MinJobAge=10
SlurmdTimeout={node_down_s}
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=2000 Gres=gpu:2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_none() -> str | None:
    """Say why there can be no cluster here; None where there can."""
    path = f"{os.environ['PATH']}:{_SYSTEM_PATH}"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"no Slurm ({', '.join(missing)} missing): apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "a Slurm of one's own needs root"


class Cluster:
    """A controller and a node with two GPUs that are none; jobs run on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self.host = socket.gethostname().partition(".")[0]
        self._first_job = 0
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("state", "spool", "munge"):
            (folder / name).mkdir()
        (folder / "munge" / "key").write_bytes(secrets.token_bytes(1024))
        (folder / "munge" / "key").chmod(0o600)
        for number in range(2):
            os.mknod(folder / f"gpu{number}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        gpus = f"NodeName={self.host} Name=gpu File={folder}/gpu[0-1]\n"
        (folder / "gres.conf").write_text(gpus)
        text = _CONFIGURATION.format(
            host=self.host, ports=_free_ports(2), folder=folder, node_down_s=NODE_DOWN_S
        )
        self.configuration.write_text(text)

    def start(self) -> None:
        """Start all daemons and wait until the node takes jobs."""
        munge = self.folder / "munge"
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={munge / name}" for option, name in files.items()]
        self._run("munged", "--foreground", "--force", *options, f"--log-file={munge}/log")
        eventually((munge / "socket").exists, "munged")
        self.start_controller()
        self.start_node()
        self.wait_for_node("idle")

    def start_controller(self, *, forgetful: bool = False) -> None:
        """Start the controller; a forgetful one knows no job from before.

        It gives new numbers: a node refuses for minutes what has the number of an ended job.
        """
        if forgetful:
            shutil.rmtree(self.folder / "state")
            (self.folder / "state").mkdir()
        self._first_job += _JOBS_APART
        text = self.configuration.read_text().partition("FirstJobId")[0]
        self.configuration.write_text(f"{text}FirstJobId={self._first_job}\n")
        self._run("slurmctld", "-D", "-f", str(self.configuration))

    def start_node(self) -> None:
        """Start the node's daemon."""
        self._run("slurmd", "-D", "-f", str(self.configuration), "-N", self.host)

    def kill(self, daemon: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a daemon; what jobs have started goes on. By SIGTERM, the controller saves first."""
        process = self._daemons.pop(daemon)
        process.send_signal(how)
        process.wait()

    def kill_node(self) -> None:
        """Kill the node's daemon and all that runs on it."""
        self.kill("slurmd")
        kept = {daemon.pid for daemon in self._daemons.values()}
        eventually(lambda: not self._kill_marked(kept), "end of what runs on the node")

    def mend_node(self) -> None:
        """Start the node's daemon where it is dead, and let the node take jobs again."""
        if "slurmd" not in self._daemons:
            self.start_node()

        def is_idle() -> bool:
            if self.told("sinfo", "-h", "-o", "%T") == "idle":
                return True
            self.told("scontrol", "update", f"NodeName={self.host}", "State=RESUME")
            return False

        eventually(is_idle, "node that takes jobs")

    def wait_for_node(self, state: str) -> None:
        """Wait until the controller says so of the node."""
        eventually(lambda: re.match(state, self.told("sinfo", "-h", "-o", "%T")), f"node {state}")

    def told(self, *command: str) -> str:
        """Return what a command of Slurm prints; nothing where it fails."""
        with contextlib.suppress(jobs.SlurmError):
            return "" if jobs.silence() else jobs.run(command).strip()
        return ""

    def clear(self) -> None:
        """End all jobs, and let the node take new ones."""
        eventually(self._cancel_all, "end of all jobs")
        self.mend_node()

    def _cancel_all(self) -> bool:
        """Cancel the jobs that have not ended; say whether there was none."""
        listed = jobs.listed()
        left = [job for job in (listed or {}).values() if not job.ended]
        for job in left:
            with contextlib.suppress(jobs.SlurmError):
                jobs.cancel(job)
        return listed is not None and not left

    def stop(self) -> None:
        """End every process of the cluster."""
        for daemon in list(self._daemons):
            self.kill(daemon)
        eventually(lambda: not self._kill_marked(set()), "end of the cluster's processes")

    def _kill_marked(self, kept: set[int]) -> list[int]:
        """Kill what has the cluster in its environment, but those processes and their children."""
        mark, kept = os.fsencode(self.configuration), kept | {os.getpid()}
        marked = []
        for pid in identity.process_ids():
            with contextlib.suppress(OSError):
                is_marked = mark in Path(f"/proc/{pid}/environ").read_bytes()
                if is_marked and pid not in kept and identity.parent_of(pid) not in kept:
                    os.kill(pid, signal.SIGKILL)
                    marked.append(pid)
        return marked

    def _run(self, program: str, *arguments: str) -> None:
        path = shutil.which(program, path=f"{os.environ['PATH']}:{_SYSTEM_PATH}")
        assert path is not None
        with (self.folder / f"{program}.out").open("ab") as log:
            self._daemons[program] = subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"SLURM_CONF": str(self.configuration)},
                preexec_fn=die_with_parent,
            )


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Run a cluster for the length of a block."""
    cluster = Cluster(folder)
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(cluster.configuration)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        os.environ.pop("SLURM_CONF")
        if before is not None:
            os.environ["SLURM_CONF"] = before


@pytest.fixture(scope="session")
def slurm_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster; tests that need one are skipped where there is no Slurm."""
    if (why := why_none()) is not None:
        pytest.skip(why)
    with running_cluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def slurm_cluster(slurm_session: Cluster) -> Iterator[Cluster]:
    """The cluster, without a job afterwards."""
    yield slurm_session
    slurm_session.clear()
