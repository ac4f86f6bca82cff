"""Everything the lab refuses or cannot do.

LabError
├── InvalidRequestError (ValueError)    the caller's arguments
│   ├── InvalidConfigError              a config the trainer would refuse
│   ├── UnsafeOverrideError             an override that a resume cannot honour
│   ├── IdempotencyConflictError        a key used before for another request
│   └── NotesTooLongError               a note over its budget
├── BudgetExceededError                 a launch that does not fit what is left of the budget
├── UnknownTrialError (LookupError)     no trial of that number
├── UnknownSweepError (LookupError)     no sweep of that number
├── TrialStateError                     the trial is not in a state that allows it
├── NoCheckpointError                   nothing verified to resume from
├── WatchedError                    another process watches the lab already
├── NotDeliveredError               a message that the webhook did not take
├── IllegalTransitionError              a state change outside the table of states.py
└── WorkspaceError (OSError)            the lab's folder or database
    ├── NoLabError                      there is no lab in the folder
    ├── WorkspaceNotWritableError       the folder or database cannot be written
    ├── StateUnreadableError            the database is damaged or missing
    ├── StateVersionError               the database was written by another version
    ├── StateBusyError                  another process held the database too long
    └── SqliteVersionError              this SQLite can corrupt a shared database
"""

from pawn_lab.text import clean, mask_secrets


class LabError(Exception):
    """Base of every error the lab raises on purpose; its text says what to do."""

    def __str__(self) -> str:
        """Return the text without control codes and secrets: it may quote what a caller gave."""
        return mask_secrets(clean(super().__str__()))


class InvalidRequestError(LabError, ValueError):
    """An argument is outside what the lab accepts."""


class InvalidConfigError(InvalidRequestError):
    """A run configuration that cannot be honoured."""


class UnsafeOverrideError(InvalidRequestError):
    """An override that does not fit the checkpoint a resume starts from."""


class IdempotencyConflictError(InvalidRequestError):
    """An idempotency key that stands for a different request."""


class NotesTooLongError(InvalidRequestError):
    """A note larger than one section may be."""


class BudgetExceededError(LabError):
    """A launch that is expected to cost more than the budget leaves."""


class UnknownTrialError(LabError, LookupError):
    """No trial of that number in this workspace."""


class UnknownSweepError(LabError, LookupError):
    """No sweep of that number in this workspace."""


class TrialStateError(LabError):
    """The trial is not in a state that allows the call."""


class NoCheckpointError(LabError):
    """A trial without a verified checkpoint cannot be resumed."""


class WatchedError(LabError):
    """Another process watches the lab already."""


class NotDeliveredError(LabError):
    """A message that the webhook did not take; when to try again, where it says so."""

    def __init__(self, why: str, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class IllegalTransitionError(LabError):
    """A change of state that the table of states does not have."""


class WorkspaceError(LabError, OSError):
    """The workspace folder or its database cannot be used."""


class NoLabError(WorkspaceError):
    """There is no lab in the folder, and the call does not make one."""


class WorkspaceNotWritableError(WorkspaceError):
    """The workspace or its database cannot be written."""


class StateUnreadableError(WorkspaceError):
    """The state database is damaged, empty or missing while trials exist."""


class StateVersionError(WorkspaceError):
    """The state database was written by a version this one cannot read."""


class StateBusyError(WorkspaceError):
    """Another process held the state database longer than a call may wait."""


class SqliteVersionError(WorkspaceError):
    """The SQLite library at hand can corrupt a database that several processes write."""
