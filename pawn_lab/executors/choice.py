"""Which executor runs the trials of a workspace: one at a time, as its `executor.json` says."""

import os
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pawn_core.config.errors import config_error
from pawn_lab.documents import load_json_object, write_json
from pawn_lab.errors import InvalidRequestError, StateUnreadableError
from pawn_lab.executors.executor import Executor
from pawn_lab.executors.registry import (
    LOCAL,
    checked_settings,
    entry_of,
    executor_named,
    settings_class,
)
from pawn_lab.paths import WorkspacePaths


class Choice(BaseModel):
    """An executor by name, and those of its settings that are not as it has them by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    executor: str = LOCAL
    settings: dict[str, Any] = {}

    def changed(self, name: str | None, settings: dict[str, Any]) -> Self:
        """Return the choice of that executor, by default the same, with more settings, checked.

        A setting of None is as the executor has it by itself.

        Raises:
            InvalidRequestError: no such executor, or a setting that it does not take.
        """
        entry = entry_of(name or self.executor)
        kept = self.settings if entry.name == self.executor else {}
        known = settings_class(entry).model_fields
        merged = (kept | settings).items()
        given = {key: value for key, value in merged if value is not None or key not in known}
        checked = checked_settings(entry, given)
        stored = checked.model_dump(mode="json", exclude_defaults=True)
        return self.model_copy(update={"executor": entry.name, "settings": stored})

    def all_settings(self) -> dict[str, Any]:
        """Return the settings with those that are as the executor has them by itself."""
        return checked_settings(entry_of(self.executor), self.settings).model_dump(mode="json")

    def make(self) -> Executor:
        """Return the executor.

        Raises:
            InvalidRequestError: no such executor, or a setting that it does not take.
        """
        return executor_named(self.executor, self.settings)


def read(workspace: WorkspacePaths) -> Choice:
    """Return the choice of a workspace; where none was made, this machine.

    Raises:
        StateUnreadableError: the file holds none; nothing may be concluded of trials elsewhere.
    """
    try:
        return Choice.model_validate(load_json_object(workspace.executor))
    except (FileNotFoundError, NotADirectoryError):
        return Choice()
    except ValidationError as error:
        raise _damaged(workspace, config_error(error, Choice, workspace.executor.name)) from None
    except OSError as error:
        if not os.access(workspace.root, os.X_OK):
            return Choice()  # nobody gets to the database either, which says so
        raise _damaged(workspace, error) from None


def _damaged(workspace: WorkspacePaths, error: Exception) -> StateUnreadableError:
    return StateUnreadableError(
        f"{workspace.executor.name} cannot be used ({error}): mend it, or delete it if trials run "
        "on this machine"
    )


def write(workspace: WorkspacePaths, choice: Choice) -> None:
    """Record a choice; it counts from the next scheduler pass on.

    Raises:
        OSError: it cannot be written.
    """
    write_json(workspace.executor, choice.model_dump(mode="json"))


def executor_of(workspace: WorkspacePaths) -> Executor:
    """Return the executor of a workspace.

    Raises:
        StateUnreadableError: its file is damaged, or says what this version does not know.
    """
    return executor_for(workspace, read(workspace))


def executor_for(workspace: WorkspacePaths, choice: Choice) -> Executor:
    """Return the executor of a choice that was read from a workspace.

    Raises:
        StateUnreadableError: it says what this version does not know.
    """
    try:
        return choice.make()
    except InvalidRequestError as error:
        raise _damaged(workspace, error) from None


def is_current(workspace: WorkspacePaths, choice: Choice | None) -> bool:
    """Say whether a choice still counts; None: nobody chose, so nothing else can have been chosen.

    Raises:
        StateUnreadableError: the file is damaged.
    """
    return choice is None or read(workspace) == choice
