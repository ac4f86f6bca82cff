"""What trials take on the disk, and what becomes of those that are done with."""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from pawn_core.checkpoint.manifest import list_checkpoints
from pawn_core.durable import sync_file
from pawn_lab.errors import InvalidRequestError, TrialStateError, WorkspaceNotWritableError
from pawn_lab.lab.queries import selected
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import DiskUse, FreedTrial, Trial
from pawn_lab.states import ACTIVE, ENDED
from pawn_lab.store import Database, Transaction, failures, trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import requests, selection, subjects


def tag(
    lab: Lab, trial_ids: Iterable[int], add: Iterable[str] = (), remove: Iterable[str] = ()
) -> list[Trial]:
    """Give trials further tags and take some away.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: a tag is not allowed, they would be too many, or none is named.
    """
    added, removed = requests.checked_tags(list(add)), set(remove)
    with lab.database.write() as tx:
        rows = selection.selected(tx, trial_ids)
        if not added and not removed:
            raise InvalidRequestError("name a tag to add or to remove")
        for row in rows:
            kept = [name for name in row.tags if name not in removed]
            tags = requests.checked_tags([*kept, *added])
            trials.set_tags(tx, row, tags, lab.launcher.caller)
    return selected(lab, [row.id for row in rows])


def disk_use(
    lab: Lab, trial_ids: Iterable[int] | None = None, tag: str | None = None
) -> list[DiskUse]:
    """Return what trials take on the disk, by number; the archived ones too."""
    lab.refresh()
    with lab.database.read() as tx:
        shown = trial_ids is not None or tag is not None
        rows = selection.selected(tx, trial_ids, tag) if shown else trials.everything(tx)
    return [_disk_use(row, lab.paths.trial(row.id)) for row in rows]


def free_bytes(lab: Lab) -> int:
    """Return the room that is left where the workspace lies."""
    return shutil.disk_usage(lab.paths.root).free


def archive(
    lab: Lab, trial_ids: Iterable[int] | None = None, tag: str | None = None, *, undo: bool = False
) -> list[Trial]:
    """Leave ended trials out of what is shown of all trials, or show them again.

    By number they are read as before, their cost counts, and their folders stay.

    Raises:
        TrialStateError: a trial has not ended.
    """
    lab.refresh()
    with lab.database.write() as tx:
        rows = selection.selected(tx, trial_ids, tag)
        for row in rows:
            _check_ended(row)
            trials.archive(tx, row, undo=undo)
    return selected(lab, [row.id for row in rows])


def delete(
    lab: Lab,
    trial_ids: Iterable[int] | None = None,
    tag: str | None = None,
    *,
    checkpoints_only: bool = False,
) -> list[FreedTrial]:
    """Delete ended trials' folders, or only their checkpoints; return the bytes it freed.

    A trial whose folder goes is archived. Its number, its events and its cost stay.

    Raises:
        TrialStateError: a trial has not ended, is to be resumed from or evaluated, is the backbone
            of adapters or the reference of policies that stay, or has descendants that stay, whose
            curves begin in it.
    """
    lab.refresh()
    chosen = (None if trial_ids is None else tuple(trial_ids), tag)
    try:
        freed = _note_deleted(lab, lab.database, chosen, checkpoints_only)
    except WorkspaceNotWritableError:
        if failures.full(lab.paths.root) is None:
            raise
        return _delete_on_full_disk(lab, chosen, checkpoints_only)
    # A crash before it leaves a folder to delete.
    _remove_all(lab, [trial.trial_id for trial in freed], checkpoints_only)
    return freed


Chosen = tuple[tuple[int, ...] | None, str | None]
"""Trials by number, or by tag."""


def _note_deleted(
    lab: Lab,
    database: Database,
    chosen: Chosen,
    checkpoints_only: bool,
    sizes: Mapping[int, int] | None = None,
) -> list[FreedTrial]:
    """Record what of each trial is deleted; `sizes`, in bytes, where that has been done."""
    with database.write() as tx:
        rows = _deletable(lab, tx, chosen, checkpoints_only)
        known = sizes or _sizes(lab, rows, checkpoints_only)
        return [_let_go(tx, row, known[row.id], checkpoints_only) for row in rows]


def _delete_on_full_disk(lab: Lab, chosen: Chosen, checkpoints_only: bool) -> list[FreedTrial]:
    """Delete first: the room that the record takes comes from what goes.

    A crash before the record leaves trials without what is deleted, as if somebody had taken it.
    """
    with lab.database.read() as tx:
        sizes = _sizes(lab, _deletable(lab, tx, chosen, checkpoints_only), checkpoints_only)
    _remove_all(lab, sizes, checkpoints_only)
    with closing(Database.open(lab.paths)) as writable:
        return _note_deleted(lab, writable, chosen, checkpoints_only, sizes)


def _sizes(lab: Lab, rows: Iterable[TrialRow], checkpoints_only: bool) -> dict[int, int]:
    """Return the bytes that deleting frees, by trial."""
    uses = [_disk_use(row, lab.paths.trial(row.id)) for row in rows]
    return {use.trial_id: use.bytes(checkpoints_only=checkpoints_only) for use in uses}


def _deletable(lab: Lab, tx: Transaction, chosen: Chosen, checkpoints_only: bool) -> list[TrialRow]:
    """Return the chosen trials, each of which nothing that stays needs."""
    rows = selection.selected(tx, *chosen)
    going = {row.id for row in rows}
    for row in rows:
        _check_ended(row)
        _check_not_read(tx, row.id)
        _check_not_built_on(lab, tx, row.id, going)
        _check_not_continued(tx, row, set() if checkpoints_only else going)
    return rows


def _remove_all(lab: Lab, trial_ids: Iterable[int], checkpoints_only: bool) -> None:
    for trial_id in trial_ids:
        paths = lab.paths.trial(trial_id)
        _remove(paths.checkpoints if checkpoints_only else paths.root)


def _let_go(tx: Transaction, row: TrialRow, size: int, checkpoints_only: bool) -> FreedTrial:
    """Note what of a trial is deleted, and how many bytes that frees."""
    what = "checkpoints" if checkpoints_only else "folder"
    trials.note_deleted(tx, row, f"{what} deleted: {size:,} bytes")
    if not checkpoints_only:
        trials.archive(tx, row)
    return FreedTrial(trial_id=row.id, freed_bytes=size)


def _check_ended(row: TrialRow) -> None:
    if row.state not in ENDED:
        raise TrialStateError(f"trial {row.id} is {row.state}: lab_kill(trial_id={row.id})")


def _check_not_continued(tx: Transaction, row: TrialRow, going: set[int]) -> None:
    """Refuse where a trial that goes on starts from this one, or a curve that stays does."""
    for child_id in trials.children(tx, row.id):
        child = trials.get(tx, child_id)
        if child.state in ACTIVE:
            raise TrialStateError(
                f"trial {child_id}, which is {child.state}, starts from trial {row.id}"
            )
        if going and child_id not in going and child.archived_at is None:
            raise TrialStateError(
                f"trial {child_id} continues trial {row.id}, where its curves begin: delete or "
                "archive it too, or only the checkpoints"
            )


def _check_not_read(tx: Transaction, trial_id: int) -> None:
    """Refuse where a trial that goes on is to read the weights of this one."""
    for other in trials.select(tx, ACTIVE):
        for field, weights in subjects.named(other.config).items():
            if weights.trial == trial_id:
                raise TrialStateError(
                    f"trial {other.id}, which is {other.state}, reads trial {trial_id}: its "
                    f"{field} are {weights}"
                )


def _check_not_built_on(lab: Lab, tx: Transaction, trial_id: int, going: set[int]) -> None:
    """Refuse where checkpoints that stay are of no use without those of this trial."""
    for other in trials.select(tx, ENDED):
        needed = other.config.kind.goes_on_with()
        if not needed or other.id in going:
            continue
        for field, weights in subjects.named(other.config).items():
            is_built = field in needed and weights.trial == trial_id
            if is_built and list_checkpoints(lab.paths.trial(other.id).checkpoints):
                raise TrialStateError(
                    f"trial {other.id} is built on trial {trial_id}: its {field} is {weights}; "
                    "delete it too, or archive it"
                )


def _disk_use(row: TrialRow, paths: TrialPaths) -> DiskUse:
    checkpoints = sum(map(_size, _files(paths.checkpoints)))
    return DiskUse(
        trial_id=row.id,
        state=row.state,
        tags=row.tags,
        archived=row.archived_at is not None,
        checkpoints=len(list_checkpoints(paths.checkpoints)),
        checkpoints_bytes=checkpoints,
        other_bytes=sum(map(_size, _files(paths.root))) - checkpoints,
    )


def _files(folder: Path) -> Iterator[os.stat_result]:
    """Yield the status of each regular file below a folder; links are not followed."""
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = (Path(root) / name).lstat()
            except OSError:
                continue  # a trial's process took it away
            if stat.S_ISREG(status.st_mode):
                yield status


def _size(status: os.stat_result) -> int:
    return status.st_blocks * 512


def _remove(folder: Path) -> None:
    """Delete a folder; under its own name it is gone in one step."""
    if folder.is_symlink() or not folder.is_dir():
        return
    aside = folder.with_name(f".deleted-{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)  # what an earlier call had no time for
    folder.rename(aside)
    sync_file(folder.parent)
    shutil.rmtree(aside)
