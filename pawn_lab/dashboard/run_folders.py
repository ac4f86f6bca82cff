"""Run folders of `pawn-train` that no lab owns: where they are, and what each says of its run.

They may be written meanwhile, torn, replaced or deleted; nothing is written in them.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pawn_core.run_paths import METRICS
from pawn_lab.configs import StoredConfig
from pawn_lab.documents import read_json_object
from pawn_lab.records import Exit
from pawn_lab.reporting.exits import STATE_OF_REASON, Outcome
from pawn_lab.reporting.health import phase_of
from pawn_lab.states import ENDED, State
from pawn_lab.text import clean
from pawn_lab.trial_paths import BareRunPaths
from pawn_lab.trials import streams

MOST_DEPTH = 6
SILENT_S = 900.0
"""After which a run that writes nothing, and is in no phase that takes so long, is lost."""
_SETTLED_S = 5.0
"""What is written after an outcome by less belongs to the run's end, not to one that goes on."""
_BY_SIGNAL = "signal"


class Stamp(NamedTuple):
    """What changes with what a run's row says; its metrics are read by whoever shows them."""

    config: tuple[int, ...]
    outcome: tuple[int, ...]
    stream: int
    silent: bool


def run_folders(root: Path) -> Iterator[Path]:
    """Yield the folders that hold a run's metrics: the root, and those below it, at most so deep.

    Links are not followed, and no run lies in another one.
    """
    folders = [(root, 0)]
    while folders:
        folder, depth = folders.pop()
        with contextlib.suppress(OSError), os.scandir(folder) as scanned:
            entries = list(scanned)
            if any(e.name == METRICS and e.is_file(follow_symlinks=False) for e in entries):
                yield folder
            elif depth < MOST_DEPTH:
                folders += [
                    (Path(entry.path), depth + 1)
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
                ]


def begun_at(folder: Path) -> float:
    """Return about when a run was begun, in Unix seconds; 0 where its folder is gone."""
    paths = BareRunPaths(folder, folder)
    return _modified(paths.config) or _modified(paths.metrics)


def stamp(paths: BareRunPaths, now: float) -> Stamp:
    """Return what changes with what `row` returns."""
    stream = _identity(paths.metrics)
    return Stamp(
        config=_identity(paths.config),
        outcome=_identity(paths.outcome),
        stream=stream[0] if stream else 0,
        silent=now - _latest_write(paths) > SILENT_S,
    )


def row(paths: BareRunPaths, root: Path, now: float) -> dict[str, Any]:
    """Return the columns of a run's row, as far as its folder tells."""
    started_at = begun_at(paths.folder)
    state, how = _end(paths, started_at, now)
    has_ended = state in ENDED
    return {
        "state": state,
        "message": how.message if how else "its folder is being written",
        "config": _config(paths),
        "tags": _tags(paths.folder, root),
        "priority": 0,
        "trainer": [],
        "limits": {},
        "request_hash": "",
        "created_at": started_at,
        "started_at": started_at,
        "ended_at": max(started_at, _latest_write(paths)) if has_ended else None,
        "exit": how,
        "archived_at": None,
    }


def _config(paths: BareRunPaths) -> dict[str, Any]:
    """Return a run's config; empty, which stands for defaults, where it is of no use."""
    in_stream = streams.config_record(paths).get("config")
    written = read_json_object(paths.config, paths.outer) or in_stream
    if not isinstance(written, dict):
        return {}
    config = StoredConfig(written)
    try:
        _ = config.kind, config.target + 0, config.models, config.settings()
    except Exception:  # anything may stand there
        return {}
    return written


def _end(paths: BareRunPaths, started_at: float, now: float) -> tuple[State, Exit | None]:
    """Return how a run stands: by its own word, unless it went on since, else by its files."""
    outcome = _outcome(paths)
    if outcome is not None:
        how = Exit(
            code=None,
            signal=None,
            reason=outcome.reason,
            message=outcome.message or outcome.reason,
            step=outcome.step,
            checkpoint=outcome.checkpoint,
        )
        stopped = State.KILLED if outcome.reason == _BY_SIGNAL else State.FAILED
        return STATE_OF_REASON.get(outcome.reason, stopped), how
    phase = phase_of(paths, started_at, now)
    if now - _latest_write(paths) <= SILENT_S or (phase is not None and phase.goes_on(now)):
        return State.RUNNING, None
    return State.LOST, Exit.lost("it wrote no outcome, and writes nothing any more")


def _outcome(paths: BareRunPaths) -> Outcome | None:
    """Return how a run says that it ended; None where it does not, or has been resumed."""
    if _modified(paths.metrics) > _modified(paths.outcome) + _SETTLED_S:
        return None
    try:
        return Outcome.model_validate(read_json_object(paths.outcome, paths.outer))
    except ValidationError:
        return None


def _tags(folder: Path, root: Path) -> list[str]:
    """Return what a run is called, and before it what the folders around it are."""
    parts = [clean(part) for part in folder.relative_to(root).parts] or [clean(folder.name)]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _latest_write(paths: BareRunPaths) -> float:
    return max(map(_modified, (paths.metrics, paths.phase, paths.outcome, paths.config)))


def _modified(file: Path) -> float:
    with contextlib.suppress(OSError):
        return file.lstat().st_mtime
    return 0.0


def _identity(file: Path) -> tuple[int, ...]:
    with contextlib.suppress(OSError):
        status = file.lstat()
        return (status.st_ino, status.st_size, status.st_mtime_ns)
    return ()
