"""One launch of a trial, and who its shim is."""

from typing import NamedTuple, Self

from pawn_lab.clock import Moment
from pawn_lab.documents import read_json_object
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import identity
from pawn_lab.shim.identity import ProcessIdentity
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths


class Shim(NamedTuple):
    """A trial's shim, the guardian above it, and when it started the trainer, in which folder."""

    identity: ProcessIdentity
    guardian: ProcessIdentity
    started: Moment
    folder: list[int] | None

    def is_of_copy(self, paths: TrialPaths) -> bool:
        """Say whether the trial's folder is a copy of that in which the shim was started."""
        return self.folder is not None and self.folder != identity.folder_id(paths.root)

    def lives(self) -> bool:
        """Say whether the shim or its guardian does, on this machine."""
        return identity.is_alive(self.identity) or identity.is_alive(self.guardian)


class Attempt(NamedTuple):
    """One launch of a trial: what an executor finds its processes by."""

    trial_id: int
    token: str
    paths: TrialPaths

    @classmethod
    def of(cls, workspace: WorkspacePaths, trial: TrialRow) -> Self:
        """Return the attempt of a trial that holds devices."""
        return cls(trial.id, trial.held_token, workspace.trial(trial.id))

    def shim(self) -> Shim | None:
        """Return who its shim is by its own word, or None before it has said so."""
        try:
            record = read_json_object(self.paths.identity) or {}
            ours = ProcessIdentity.from_dict(record)
            guardian = ProcessIdentity.from_dict(record.get("guardian", record))
            uptime = record.get("uptime")
            started = Moment(float(record["started_at"]), ours.boot_id, uptime and float(uptime))
        except (ValueError, KeyError, TypeError, OverflowError):
            return None
        shim = Shim(ours, guardian, started, record.get("folder"))
        return shim if ours.token == self.token else None
