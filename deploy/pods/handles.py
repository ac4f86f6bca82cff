"""What this machine knows of pods: one file each, ~/.config/pawn/pods/NAME.env.

The file exists before its pod does: a pod is made under a name that no other has, so that one whose
creation was cut short is found again by it. A shell can read the files, too. Standard library only.
"""

import os
import re
import secrets
import shlex
from dataclasses import dataclass, fields
from pathlib import Path

from errors import PodError

PREFIX = "pawn-"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_VARIABLE = "POD_{}"


@dataclass
class Handle:
    """A pod as it is known here; empty values are not known yet."""

    name: str
    remote_name: str
    """Unique in the account: by it a pod is found whose `id` was never saved."""
    id: str = ""
    host: str = ""
    port: str = ""
    user: str = "pawn"
    gpu: str = ""
    count: str = "1"
    volume: str = ""
    gate: str = ""
    """`ready`: the gate had passed when the pod was stopped."""

    @classmethod
    def new(cls, name: str, **values: str) -> "Handle":
        """Return a handle with a name that no other pod has."""
        return cls(name, f"{PREFIX}{name}-{secrets.token_hex(4)}", **values)

    def save(self) -> None:
        """Write the file, whole or not at all, readable for its owner only."""
        path = file_of(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        lines = [f"{_VARIABLE.format(n.upper())}={shlex.quote(v)}\n" for n, v in values.items()]
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def forget(self) -> None:
        """Delete the file, and the keys of the pod's host."""
        for path in (file_of(self.name), self.known_hosts):
            path.unlink(missing_ok=True)

    @property
    def known_hosts(self) -> Path:
        """Where the keys of the pod's host are kept: addresses are given to others later."""
        return file_of(self.name).with_suffix(".known_hosts")


def checked_name(name: str) -> str:
    """Return a name if it may be one.

    Raises:
        PodError: says what is allowed.
    """
    if not _NAME.fullmatch(name):
        raise PodError(f"name {name!r} is not allowed; allowed: a-z, 0-9 and -, 41 at most")
    return name


def folder() -> Path:
    """Return the folder of all handles."""
    return Path.home() / ".config/pawn/pods"


def file_of(name: str) -> Path:
    """Return the file of a pod."""
    return folder() / f"{checked_name(name)}.env"


def known(name: str) -> Handle | None:
    """Return the handle of a pod, or None where there is none.

    Raises:
        PodError: the file is not one of ours.
    """
    try:
        text = file_of(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    values = dict(word.split("=", 1) for word in shlex.split(text) if "=" in word)
    variables = {_VARIABLE.format(field.name.upper()): field.name for field in fields(Handle)}
    own = {variables[name]: value for name, value in values.items() if name in variables}
    if not own.keys() >= {"name", "remote_name"}:
        raise PodError(f"{file_of(name)} is damaged: POD_NAME or POD_REMOTE_NAME is missing")
    return Handle(**own)


def required(name: str) -> Handle:
    """Return the handle of a pod.

    Raises:
        PodError: there is none; names those there are.
    """
    if (handle := known(name)) is None:
        names = ", ".join(each.name for each in everyone()) or "none"
        raise PodError(f"no pod {name!r} is known here; known: {names}")
    return handle


def everyone() -> list[Handle]:
    """Return all handles by name."""
    names = sorted(path.stem for path in folder().glob("*.env") if not path.name.startswith("."))
    return [required(name) for name in names]
