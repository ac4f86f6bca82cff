"""What can be done with a pod from the first order to the last byte. Standard library only.

A pod costs money from the moment it is ordered. So its handle is saved before, under a name by
which it is found again whatever happens meanwhile; what the provider cannot tell is unknown, never
gone; and a pod is deleted only after its lab has said that nothing is lost by it.
"""

import os
import time
from collections.abc import Callable

import remote
import runpod
from errors import PodError
from handles import PREFIX, Handle, everyone, known
from shell import Shell

READY, RUNNING = "ready", "RUNNING"
TRIES, TRIES_GONE = 120, 12
APART_S = float(os.environ.get("PAWN_POD_POLL_S", "5"))
"""How often a pod is looked at, and how far apart, until it is as it should be."""


def create(shell: Shell, handle: Handle, order: runpod.Order) -> Handle:
    """Make a pod, or go on with one whose creation was cut short; return once it lets us in.

    Raises:
        PodError: it cannot be had, is there already, or lets nobody in so far.
    """
    handle = _resumed(shell, handle)
    if not handle.id:
        handle.id = _order(shell, handle, order)
    if not shell.dry_run:
        handle.save()
    return wait(shell, handle)


def _resumed(shell: Shell, handle: Handle) -> Handle:
    """Return the handle to go on with: what is known by this name, or the new one.

    Raises:
        PodError: the pod is there and complete.
    """
    earlier = known(handle.name)
    if earlier is None:
        return handle
    found = find(shell, earlier) if earlier.id else find_ordered(shell, earlier)
    if found and earlier.host:
        raise PodError(f"pod {handle.name!r} is there (id {found}): start, stop or delete it")
    if found:
        earlier.id = found
        return earlier
    handle.remote_name = earlier.remote_name
    return handle


def _order(shell: Shell, handle: Handle, order: runpod.Order) -> str:
    """Order a pod and return its id; where the order failed and yet made one, that one's.

    Raises:
        PodError: there is none.
    """
    if not shell.dry_run:
        handle.save()
    try:
        return runpod.create(shell, handle, order)
    except runpod.NoGpuError:
        handle.forget()
        raise
    except PodError:
        if found := find_ordered(shell, handle):
            return found
        handle.forget()
        raise


def find(shell: Shell, handle: Handle) -> str:
    """Return the id of a handle's pod as the provider lists it; empty where it lists none.

    Raises:
        PodError: the provider cannot tell.
    """
    for pod in runpod.listed(shell):
        if pod["name"] == handle.remote_name or (handle.id and pod["id"] == handle.id):
            return str(pod["id"])
    return ""


def find_ordered(shell: Shell, handle: Handle) -> str:
    """Return the id of a pod whose order may have been taken; it can take a while to be listed.

    Raises:
        PodError: the provider cannot tell.
    """
    for _ in range(1 if shell.dry_run else TRIES_GONE):
        if found := find(shell, handle):
            return found
        time.sleep(APART_S)
    return ""


def reconciled(shell: Shell, handle: Handle) -> Handle:
    """Return a handle with its pod's id, looked up where it was never saved.

    Raises:
        PodError: there is no such pod.
    """
    if not handle.id and not shell.dry_run:
        handle.id = find_ordered(shell, handle)
        if not handle.id:
            raise PodError(f"pod {handle.name!r} was never made; make it: pod.sh create")
        handle.save()
    return handle


def wait(shell: Shell, handle: Handle) -> Handle:
    """Wait until a pod lets us in, and keep its address.

    Raises:
        PodError: it does not so far; it is kept, and costs money.
    """
    for _ in range(1 if shell.dry_run else TRIES):
        state = runpod.state(shell, handle.id or "POD_ID")
        handle.host, handle.port = state.host, state.port
        if state.host and remote.answers(shell, handle):
            if not shell.dry_run:
                handle.save()
            return handle
        time.sleep(APART_S)
    raise PodError(
        f"pod {handle.name!r} (id {handle.id}) lets nobody in so far, and costs money: "
        f"pod.sh status {handle.name}, or pod.sh stop {handle.name}"
    )


def start(shell: Shell, handle: Handle) -> Handle:
    """Start a stopped pod.

    Raises:
        NoGpuError: its host has given its GPU away; says how to go on with the volume.
        PodError: it cannot be started.
    """
    handle = reconciled(shell, handle)
    try:
        runpod.act(shell, "start", handle.id)
    except runpod.NoGpuError as error:
        raise runpod.NoGpuError(
            f"{error}. Its host has no GPU left; the workspace is on the volume: "
            f"pod.sh create {handle.name}-2 --gpu {handle.gpu or 'GPU'} --volume {handle.volume}, "
            f"then pod.sh delete {handle.name} --force"
        ) from None
    handle.known_hosts.unlink(missing_ok=True)  # a started container has a new key
    handle.host = handle.port = handle.gate = ""
    if not shell.dry_run:
        handle.save()
    return wait(shell, handle)


def stop(shell: Shell, handle: Handle, say: Callable[[str], None]) -> None:
    """Let what runs save, stop the pod and so its price; the volume stays.

    Raises:
        PodError: something still runs, or the provider refuses.
    """
    handle = reconciled(shell, handle)
    handle.gate = ""
    if not remote.answers(shell, handle):
        say("the pod does not answer: its container is asked to save by the stop itself")
        runpod.act(shell, "stop", handle.id)
    else:
        with remote.closed(shell, handle):
            gate = remote.gate(shell, handle)
            for finding in gate.findings:
                say(f"before it can be deleted: {finding}")
            runpod.act(shell, "stop", handle.id)
        handle.gate = READY if gate.ready else ""
    if not shell.dry_run:
        handle.save()


def check_may_go(shell: Shell, handle: Handle) -> None:
    """Refuse to delete a pod while trials run on it or something is on it alone.

    Raises:
        PodError: says what; a pod that cannot be asked is not deleted either.
    """
    if runpod.state(shell, handle.id).status != RUNNING:
        if handle.gate != READY:
            raise PodError(
                f"pod {handle.name!r} is stopped, and its gate had not passed: start it and "
                "mend what `pawn-lab audit` finds, or say --force"
            )
        return
    if running := remote.scripts(shell, handle):
        raise PodError(f"pod {handle.name!r} is not ready to go: {', '.join(running)} still runs")
    gate = remote.gate(shell, handle)
    if not gate.ready:
        raise PodError(f"pod {handle.name!r} is not ready to go: " + "; ".join(gate.findings))


def delete(shell: Shell, handle: Handle) -> None:
    """Delete a pod, and forget it once the provider lists it no more.

    Raises:
        PodError: it is still listed, and so may cost money.
    """
    runpod.act(shell, "delete", handle.id)
    for _ in range(TRIES_GONE):
        if not find(shell, handle):
            break
        time.sleep(APART_S)
    else:
        raise PodError(f"pod {handle.name!r} (id {handle.id}) is deleted and still listed")
    if not shell.dry_run:
        handle.forget()


def overview(shell: Shell) -> list[str]:
    """Return a line for each pod of the account and for each handle: what costs money is seen.

    Raises:
        PodError: the provider cannot tell.
    """
    handles = {handle.remote_name: handle for handle in everyone()}
    lines = []
    for pod in runpod.listed(shell):
        handle = handles.pop(pod["name"], None)
        known_as = handle.name if handle else "unknown here"
        price = f"{pod.get('costPerHr') or 0:.2f} $/h"
        ours = "" if handle or not pod["name"].startswith(PREFIX) else "  <- nobody's: delete it?"
        lines.append(f"{known_as}  {pod['id']}  {pod['desiredStatus']}  {price}{ours}")
    lines += [f"{handle.name}  no such pod any more" for handle in handles.values()]
    return lines
