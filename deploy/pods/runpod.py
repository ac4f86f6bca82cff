"""The provider's command line, `runpodctl` 2: pods are made, listed, started, stopped, deleted.

Shapes of its answers: github.com/runpod/runpodctl (cmd/pod, internal/api). A query that fails says
nothing about a pod: it raises, and nobody concludes that the pod is gone. Standard library only.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from errors import PodError
from handles import Handle
from shell import Shell, parsed, reason

PROGRAM = "runpodctl"
MOUNT = "/workspace"
CUDA = "13.0"
"""What the driver of the host must know: torch of a later CUDA than its driver does not start."""
_UNAVAILABLE = ("not enough free gpu", "no longer any instances", "no instances", "unavailable")


class NoGpuError(PodError):
    """The provider has no such GPU free, or the host of a stopped pod has given its own away."""


class Order(NamedTuple):
    """A pod to be made."""

    gpu_id: str
    count: int
    image: str
    volume: str
    disk_gb: int
    cloud: str
    variables: Mapping[str, str]


class State(NamedTuple):
    """A pod as the provider tells it; `host` and `port` are empty until ssh is up."""

    id: str
    status: str
    host: str = ""
    port: str = ""
    dollars: float | None = None


def create(shell: Shell, handle: Handle, order: Order) -> str:
    """Make a pod and return its id; empty in a dry run.

    Raises:
        NoGpuError: there is none.
        PodError: it failed, and may have made the pod all the same.
    """
    argv = [PROGRAM, "pod", "create", "--name", handle.remote_name, "--image", order.image]
    argv += ["--gpu-id", order.gpu_id, "--gpu-count", str(order.count)]
    argv += ["--network-volume-id", order.volume, "--volume-mount-path", MOUNT]
    argv += ["--container-disk-in-gb", str(order.disk_gb), "--cloud-type", order.cloud]
    argv += ["--ports", "22/tcp", "--min-cuda-version", CUDA]
    argv += ["--env", json.dumps(order.variables)]
    done = shell.run(argv)
    if shell.dry_run:
        return ""
    _check_gpu(done.code, reason(done), "pod create")
    return str(parsed(done, "pod create")["id"])


def listed(shell: Shell) -> list[dict[str, Any]]:
    """Return every pod of the account, stopped ones too; none in a dry run.

    Raises:
        PodError: the query failed.
    """
    done = shell.run([PROGRAM, "pod", "list", "--all"])
    return [] if shell.dry_run else parsed(done, "pod list")


def state(shell: Shell, pod_id: str) -> State:
    """Return how a pod is.

    Raises:
        PodError: the query failed.
    """
    done = shell.run([PROGRAM, "pod", "get", pod_id])
    if shell.dry_run:
        return State(pod_id, "RUNNING", "HOST", "22")
    pod = parsed(done, "pod get")
    ssh = pod.get("ssh") or {}
    return State(
        pod_id,
        str(pod.get("desiredStatus", "UNKNOWN")),
        str(ssh.get("ip", "")),
        str(ssh.get("port", "")),
        pod.get("costPerHr"),
    )


def act(shell: Shell, verb: str, pod_id: str) -> None:
    """Start, stop or delete a pod.

    Raises:
        NoGpuError: its host has no GPU free.
        PodError: it failed.
    """
    done = shell.run([PROGRAM, "pod", verb, pod_id])
    _check_gpu(done.code, reason(done), f"pod {verb}")
    if done.code:
        raise PodError(f"pod {verb} failed: {reason(done)}")


def _check_gpu(code: int, why: str, what: str) -> None:
    if code and any(words in why.lower() for words in _UNAVAILABLE):
        raise NoGpuError(f"{what} failed: {why}")
