"""Where torch keeps what it has compiled, so that the next process does not compile it again.

ROOT/KEY/      what graphs of one code, torch, Python and device came to; torch writes it
ROOT/KEY.lock  held while a process uses the folder; its time of change is when one began to
ROOT/KEY.graphs  from another machine, if it was put there: what an empty folder is filled with

torch finds a graph in it by the graph's own contents. A key never changes hands: other code gets
another folder, and the folders that were used longest ago are removed where all take too much.
Nothing here may end a run: where the folder cannot be used, a temporary one is. torch writes each
file in one step, so that several processes may write, and each may be killed.
"""

import atexit
import contextlib
import errno
import fcntl
import os
import platform
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from pawn_core.compiled_archive import SUFFIX, ArchiveError, load_archive
from pawn_core.user_cache import in_user_cache

VARIABLE = "PAWN_COMPILED_CACHE"
"""In the environment: the root of these folders."""
OF_TORCH = "TORCHINDUCTOR_CACHE_DIR"
"""Where torch reads it; who has set that wants no other."""

MOST_BYTES = 4 << 30
_ROOM_BYTES = 1 << 30
"""Free on the disk; a training graph takes tens of MB."""
_COMPILER = ("torch._dynamo", "torch._inductor.compile_fx")
_CODE = Path(__file__).parent


@dataclass(frozen=True)
class CompilerCache:
    """The folder that this process compiles into."""

    folder: Path | None
    """None: wherever torch would."""
    archive: Path | None = None
    """What is to be loaded into it first."""
    refusals: list[str] = field(default_factory=list)
    """Why it is not the one that was wanted, or not filled."""


def cache_root() -> Path:
    """Return where the folders are: `$PAWN_COMPILED_CACHE`, else below the user's cache folder."""
    return in_user_cache("compiled", VARIABLE)


def cache_key(device: torch.device) -> str:
    """Return the name of a folder: what compiled graphs depend on, the code last."""
    processor = platform.machine()
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    parts = ("torch", torch.__version__, python, processor, code_sha256()[:12])
    return "-".join(re.sub(r"[^\w.+]+", "_", part) for part in parts).lower()


@cache
def code_sha256() -> str:
    """Return the SHA-256 of the sources of this package."""
    digest = sha256()
    for path in sorted(_CODE.rglob("*.py")):
        digest.update(f"{path.relative_to(_CODE)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def open_cache(device: torch.device, most_bytes: int = MOST_BYTES) -> CompilerCache:
    """Let torch compile into the folder of this code and device; of any other, remove the oldest.

    Before the compiler is imported. Where `TORCHINDUCTOR_CACHE_DIR` is set, it is left alone.
    """
    if chosen := os.environ.get(OF_TORCH):
        return CompilerCache(Path(chosen))
    wanted = cache_root() / cache_key(device)
    try:
        _prepare(wanted, most_bytes)
    except OSError as error:
        refusal = f"{wanted} cannot be used: {error.strerror or error}"
        return CompilerCache(_compile_into(_temporary()), refusals=[refusal])
    archive = wanted.with_name(wanted.name + SUFFIX)
    needed = archive.is_file() and not any(wanted.iterdir())
    return CompilerCache(_compile_into(wanted), archive if needed else None)


def discard(cache: CompilerCache) -> bool:
    """Remove a folder of ours that something may be wrong with; say whether there was one."""
    if cache.folder is None or cache.folder.parent.absolute() != cache_root().absolute():
        return False
    shutil.rmtree(cache.folder, ignore_errors=True)
    return True


def _compile_into(folder: Path | None) -> Path | None:
    if folder is not None:
        os.environ[OF_TORCH] = str(folder.absolute())
    return folder


def _temporary() -> Path | None:
    """Return a folder that is removed at the end of the process; None where there is no room."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="pawn-compiled-"))
    except OSError:
        return None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _prepare(folder: Path, most_bytes: int) -> None:
    """Make a folder that can be written, and hold it.

    Raises:
        OSError: it cannot be, or the disk is full.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_oldest(folder.parent, most_bytes)
    _held.append(_lock(folder, fcntl.LOCK_SH))
    os.utime(_lock_of(folder))
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    if shutil.disk_usage(folder).free < _ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    _remove_empty(folder)


_held: list[int] = []
"""Locks of folders in use, until the process ends."""


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _lock(folder: Path, how: int) -> int:
    """Return a descriptor that holds the lock of a folder.

    Raises:
        OSError: it is held by others, or there is no lock to be had here.
    """
    descriptor = os.open(_lock_of(folder), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_oldest(root: Path, most_bytes: int) -> None:
    """Keep the folders that were used last, as many as are no larger together."""
    total = 0
    for folder in sorted(filter(Path.is_dir, root.iterdir()), key=_last_used, reverse=True):
        total += sum(entry.stat().st_size for entry in _files(folder))
        if total > most_bytes:
            _remove_unused(folder)


def _last_used(folder: Path) -> float:
    try:
        return _lock_of(folder).stat().st_mtime
    except OSError:
        return 0.0


def _remove_unused(folder: Path) -> None:
    with contextlib.suppress(OSError):
        lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_empty(folder: Path) -> None:
    """Remove what a power loss has left: torch would take an empty source for a whole one."""
    for path in _files(folder):
        if path.suffix != ".lock" and not path.stat().st_size:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are there still."""
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                yield path


def import_compiler(cache: CompilerCache) -> None:
    """Begin to import the compiler, which takes seconds, beside what comes before its first use.

    An archive is loaded then, if there is one.
    What a task is made of has to be imported before: two threads must not import the same modules
    from different ends.
    """
    work = threading.Thread(target=_import, args=(cache,), name="compiler", daemon=True)
    _importing.append(work)
    work.start()


def await_compiler() -> None:
    """Wait for what `import_compiler` has begun, if it has."""
    while _importing:
        _importing.pop().join()


def _import(cache: CompilerCache) -> None:
    try:
        for module in _COMPILER:
            import_module(module)
    except Exception:  # it is raised again where it is needed
        return
    if cache.archive is not None and cache.folder is not None:
        try:
            load_archive(cache.archive, cache.folder.name)
        except (ArchiveError, OSError) as error:
            cache.refusals.append(str(error))


_importing: list[threading.Thread] = []


def compilation() -> dict[str, Any]:
    """Return how many graphs this process has had to trace, and where their code came from.

    graphs; loaded: of those from the cache; compiled; not_cached: that cannot be kept in it.
    """
    if "torch._dynamo" not in sys.modules:
        return {}
    from torch._dynamo.utils import counters

    numbers = {
        name: counters["aot_autograd"][f"autograd_cache_{how}"]
        for name, how in (("loaded", "hit"), ("compiled", "miss"), ("not_cached", "bypass"))
    }
    return {"graphs": counters["stats"]["unique_graphs"], **numbers}
