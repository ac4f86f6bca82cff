"""Checks of the lab itself: its folder, database and ports, where trials run, its watch."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from pawn_lab.alarms import watching, webhook
from pawn_lab.doctor.diagnosis import Diagnosis, Patient, fail, ok, warn
from pawn_lab.errors import LabError, StateVersionError
from pawn_lab.executors import choice
from pawn_lab.store import connection

PORTS = {8321: "serve", 8322: "dashboard"}
"""The commands by the ports that they take by themselves."""

_MOUNTS = Path("/proc/mounts")
_SHARED_DISKS = frozenset(("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "fuse.sshfs"))
"""File systems on which SQLite's locks and its index in shared memory may not hold."""


def workspace(patient: Patient) -> Iterator[Diagnosis]:
    """Whether there is a lab, in a folder that can be written, on a disk of this machine."""
    root, folder = patient.paths.root, patient.nearest_folder()
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fail(f"{folder} cannot be written by user {os.getuid()}", f"chown -R $USER {folder}")
    elif patient.paths.is_lab():
        yield ok(f"the lab in {root}")
    elif not patient.paths.may_be_made():
        yield fail(f"{root} belongs to something else", "PAWN_WORKSPACE=FOLDER, or --workspace")
    else:
        yield warn(f"no lab in {root} yet", "pawn-lab init")
    if (kind := _file_system(folder)) in _SHARED_DISKS:
        yield warn(
            f"{folder} is on a network disk ({kind}), where SQLite may lose writes",
            "PAWN_WORKSPACE on a disk of this machine; one lab at a time where that cannot be",
        )


def _file_system(folder: Path) -> str | None:
    """Return the kind of file system that a folder is on; None where the system does not say."""
    try:
        mounts = [line.split() for line in _MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    around = {str(parent) for parent in (folder.resolve(), *folder.resolve().parents)}
    points = [(point, kind) for _, point, kind, *_ in mounts if point in around]
    return max(points, key=lambda mount: len(mount[0]), default=(None, None))[1]


def database(patient: Patient) -> Iterator[Diagnosis]:
    """Whether the database is whole; a copy is looked at, and nothing is changed."""
    if not patient.paths.database.exists():
        if patient.paths.has_trials():
            yield fail(
                f"{patient.paths.database} is missing while there are trials",
                f"restore it from a backup, or move {patient.paths.trials} away",
            )
        return
    try:
        copy = connection.copied(patient.paths)
        try:
            problem = copy.pragma("quick_check", 1)
            [(count,)] = copy.execute("SELECT count(*) FROM trials")
        finally:
            copy.close()
    except StateVersionError as error:
        yield fail(str(error), "uv tool upgrade pawn-lab, or git pull and make setup")
        return
    except (apsw.Error, OSError) as error:
        problem, count = str(error), 0
    if problem == "ok":
        yield ok(f"the database is whole: {count} trials")
    else:
        yield fail(
            f"{patient.paths.database} is damaged ({problem})",
            "restore lab.db from a backup; `pawn-lab status` sets the damaged one aside",
        )


def ports(_: Patient) -> Iterator[Diagnosis]:
    """Whether the ports of the servers are free on loopback."""
    taken = {port: command for port, command in PORTS.items() if not _is_free(port)}
    for port, command in taken.items():
        yield warn(
            f"port {port} is taken: by a lab that is served already, or by another program",
            f"pawn-lab {command} --port 0",
        )
    if not taken:
        yield ok(f"ports {', '.join(map(str, PORTS))} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def executor(patient: Patient) -> Iterator[Diagnosis]:
    """Whether trials can run where the workspace has chosen."""
    try:
        chosen = choice.read(patient.paths)
        ailments = choice.executor_for(patient.paths, chosen).check()
    except LabError as error:
        yield fail(str(error), "pawn-lab executor local")
        return
    for ailment in ailments:
        yield fail(f"{chosen.executor}: {ailment.what}", ailment.remedy)
    if not ailments:
        yield ok(f"trials run on: {chosen.executor}")


def watch(patient: Patient) -> Iterator[Diagnosis]:
    """Whether the watch and the webhook do what they were set up for."""
    for fault in watching.faults(patient.paths, time.time()):
        yield fail(fault, "pawn-lab watch")
    for fault in webhook.faults(patient.paths):
        yield fail(fault, "pawn-lab webhook test")
