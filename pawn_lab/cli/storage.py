"""Commands about what trials take on the disk, and which of them are shown."""

from typing import Annotated

from cyclopts import App, Parameter
from rich.prompt import Confirm

from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import storing
from pawn_lab.records import DiskUse
from pawn_lab.tools.trial_answer import trials_answer
from pawn_lab.tools.values import Answer, Number, Table

GIB = 1 << 30

Numbers = Annotated[int, Parameter(help="Trial numbers.")]
OfTag = Annotated[str | None, Parameter(help="All trials with this tag.")]
Flag = Parameter(negative=())


class DiskRow(Answer):
    """A trial's share of the disk."""

    trial_id: int
    state: str
    tags: list[str]
    archived: bool | None = None
    checkpoints: int
    checkpoints_gib: Number
    other_gib: Number


class DiskAnswer(Answer):
    """What trials take on the disk, the largest first, and what is free; in GiB."""

    trials: Table[DiskRow]
    total_gib: Number
    free_gib: Number


class FreedAnswer(Answer):
    """What was deleted, and the room that this made, in GiB."""

    deleted: list[int]
    freed_gib: Number


def add_storage_commands(app: App) -> None:
    """Register the commands."""
    for command in (disk, archive, delete):
        app.command(command)


def disk(*trial_ids: Numbers, tag: OfTag = None, options: Options = DEFAULTS) -> None:
    """Show what trials take on the disk, the largest first, and what is free."""
    with options.existing_lab() as lab:
        uses = storing.disk_use(lab, trial_ids or None, tag)
        uses.sort(key=lambda use: use.bytes(), reverse=True)
        total, free = sum(use.bytes() for use in uses), storing.free_bytes(lab)
        answer = DiskAnswer(
            trials=[_row(use) for use in uses], total_gib=total / GIB, free_gib=free / GIB
        )
        options.show(answer, lab.paths)


def archive(
    *trial_ids: Numbers,
    tag: OfTag = None,
    undo: Annotated[bool, Flag] = False,
    options: Options = DEFAULTS,
) -> None:
    """Leave ended trials out of status, results and comparisons of all; --undo shows them again.

    By number they are read as before. Their folders stay: delete makes room.
    """
    _check_chosen(trial_ids, tag)
    with options.existing_lab() as lab:
        changed = storing.archive(lab, trial_ids or None, tag, undo=undo)
        options.show(trials_answer(lab, changed), lab.paths)


def delete(
    *trial_ids: Numbers,
    tag: OfTag = None,
    checkpoints: Annotated[bool, Parameter(negative=(), help="Only their checkpoints.")] = False,
    yes: Annotated[bool, Parameter(negative=(), help="Ask nothing.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Delete the folders of ended trials for good, or only their checkpoints.

    A trial's number, its events and its cost stay; without checkpoints it cannot be resumed.
    """
    _check_chosen(trial_ids, tag)
    with options.existing_lab() as lab:
        if not yes:
            _confirm(storing.disk_use(lab, trial_ids or None, tag), checkpoints_only=checkpoints)
        freed = storing.delete(lab, trial_ids or None, tag, checkpoints_only=checkpoints)
        size = sum(trial.freed_bytes for trial in freed) / GIB
        answer = FreedAnswer(deleted=[trial.trial_id for trial in freed], freed_gib=size)
        options.show(answer, lab.paths)


def _check_chosen(trial_ids: tuple[int, ...], tag: str | None) -> None:
    if bool(trial_ids) == (tag is not None):
        raise InvalidRequestError("name trials, or --tag TAG: one of the two")


def _confirm(uses: list[DiskUse], *, checkpoints_only: bool) -> None:
    """Ask a person; whoever cannot answer has to say --yes.

    Raises:
        InvalidRequestError: nobody said yes.
    """
    size = sum(use.bytes(checkpoints_only=checkpoints_only) for use in uses) / GIB
    what = "the checkpoints of" if checkpoints_only else "all of"
    numbers = ", ".join(str(use.trial_id) for use in uses)
    try:
        agreed = Confirm.ask(f"Delete {what} trials {numbers}, {size:.2f} GiB?", default=False)
    except EOFError:
        agreed = False
    if not agreed:
        raise InvalidRequestError("nothing was deleted; --yes deletes without asking")


def _row(use: DiskUse) -> DiskRow:
    return DiskRow(
        trial_id=use.trial_id,
        state=use.state,
        tags=use.tags,
        archived=use.archived or None,
        checkpoints=use.checkpoints,
        checkpoints_gib=use.checkpoints_bytes / GIB,
        other_gib=use.other_bytes / GIB,
    )
