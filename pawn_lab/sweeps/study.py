"""Optuna's part of a sweep: a study in a journal file, asked for points and told their values.

The caller holds the workspace's sweep lock, so the journal needs none of its own; Optuna's would
outlive a process that is killed.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pawn_core.untrusted import read_file
from pawn_lab.documents import own_folder
from pawn_lab.sweeps.plan import Range

if TYPE_CHECKING:
    import optuna

Space = dict[str, list[Any] | Range]
_MOST_JOURNAL_BYTES = 256 << 20


class Asked(NamedTuple):
    """A point of the study that has a number and no value yet."""

    number: int
    values: dict[str, Any]


class Told(NamedTuple):
    """What became of a point; `pruned_at`: the step at which a rule stopped it."""

    number: int
    value: float | None
    pruned_at: int | None


class Study:
    """A study of one sweep, minimizing what it is told by TPE."""

    def __init__(self, journal: Path, space: Space, seed: int) -> None:
        import optuna  # Late: it takes over a second to load, and most labs never sweep by TPE.

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        own_folder(journal.parent)
        _drop_torn_line(journal)
        self._space = space
        lock: Any = _Held()
        backend = optuna.storages.journal.JournalFileBackend(str(journal), lock_obj=lock)
        tried = self._trials_of(backend)
        sampler = optuna.samplers.TPESampler(seed=seed + tried, constant_liar=True)
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name="sweep",
            load_if_exists=True,
            sampler=sampler,
        )

    def ask(self, number: int) -> Asked:
        """Return the point of that number; one that was asked for and never used is used now."""
        import optuna

        trials = {t.number: t for t in self._study.get_trials(deepcopy=False)}
        frozen = trials.get(number)
        trial = optuna.trial.Trial(self._study, frozen._trial_id) if frozen else self._study.ask()
        drawn = {name: _suggest(trial, name, values) for name, values in self._space.items()}
        return Asked(trial.number, drawn)

    def tell(self, results: Iterable[Told]) -> None:
        """Record values; what was told before is passed over."""
        import optuna

        state = optuna.trial.TrialState
        open_ = {t.number for t in self._study.get_trials(deepcopy=False, states=[state.RUNNING])}
        for result in results:
            if result.number not in open_:
                continue
            if result.value is None:
                self._study.tell(result.number, state=state.FAIL)
            elif result.pruned_at is None:
                self._study.tell(result.number, result.value)
            else:
                self._prune(result)

    def _prune(self, result: Told) -> None:
        import optuna

        (frozen,) = [t for t in self._study.get_trials(deepcopy=False) if t.number == result.number]
        trial = optuna.trial.Trial(self._study, frozen._trial_id)
        trial.report(result.value or 0.0, result.pruned_at or 0)
        self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)

    @staticmethod
    def _trials_of(backend: Any) -> int:
        """Count what the journal holds, so that each session of the sampler draws anew."""
        return sum(1 for _ in backend.read_logs(0))


class _Held:
    """The journal's lock, which the caller already holds for it."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _suggest(trial: "optuna.trial.Trial", name: str, values: list[Any] | Range) -> Any:
    """Draw a value; one that was drawn before stays."""
    if isinstance(values, list):
        return trial.suggest_categorical(name, values)
    if values.whole:
        return trial.suggest_int(name, int(values.low), int(values.high), log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _drop_torn_line(journal: Path) -> None:
    """Cut what a killed process left of its last line; nothing after it was acknowledged."""
    with contextlib.suppress(FileNotFoundError):
        data = read_file(journal, most=_MOST_JOURNAL_BYTES)
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(journal, whole)
