"""Where a trial stands among others: what it continues, what continues it, what it reads."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pawn_core.config.weights import PREFIX
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Family, Reader, Relative
from pawn_lab.store import Transaction, trials
from pawn_lab.trials import subjects

Parents = Mapping[int, int | None]


def family(lab: Lab, trial_id: int) -> Family:
    """Return a trial's family: all that goes back to its oldest ancestor, and who reads whom.

    Raises:
        UnknownTrialError: no such trial.
    """
    lab.refresh()
    with lab.database.read() as tx:
        own = trials.get(tx, trial_id)
        launch = trials.group(tx, own.leader or own.id)
        return Family(
            members=[_relative(tx, number) for number in _members(trial_id, trials.parents(tx))],
            launched_with=[number for number in launch if number != trial_id],
            sweep=own.sweep,
            reads={field: str(weights) for field, weights in subjects.named(own.config).items()},
            read_by=list(_readers(tx, trial_id)),
        )


def _members(trial_id: int, parents: Parents) -> list[int]:
    """Return a trial's oldest ancestor with all that goes back to it, by number."""
    children = defaultdict[int | None, list[int]](list)
    for number, parent in parents.items():
        children[parent].append(number)
    members = [_oldest(trial_id, parents)]
    for member in members:  # which grows
        members += children[member]
    return sorted(members)


def _oldest(trial_id: int, parents: Parents) -> int:
    while (parent := parents.get(trial_id)) is not None:
        trial_id = parent
    return trial_id


def _relative(tx: Transaction, trial_id: int) -> Relative:
    row = trials.get(tx, trial_id)
    return Relative(
        id=row.id, parent=row.parent, from_step=row.from_step, state=row.state, tags=row.tags
    )


def _readers(tx: Transaction, trial_id: int) -> Iterator[Reader]:
    """Yield the trials that start from weights of a trial, or measure them."""
    for row in trials.naming(tx, f"{PREFIX}{trial_id}"):
        for field, weights in subjects.named(row.config).items():
            if weights.trial == trial_id:
                run_type = row.config["run_type"]
                yield Reader(id=row.id, run_type=run_type, field=field, weights=str(weights))
