"""The trials of a point: queued, or taken from those that ran by themselves before."""

from typing import NamedTuple

from pawn_core.config import RunConfig
from pawn_lab.shim.rules import Limits
from pawn_lab.store import Transaction, events, trials
from pawn_lab.store.rows import SweepRow
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import PlannedPoint
from pawn_lab.trials import checks, launches, requests
from pawn_lab.trials.launcher import Launcher


class PlannedSweep(NamedTuple):
    """A sweep, its plan and how its trials are run, as its row has them."""

    id: int
    plan: SweepPlan
    launcher: Launcher

    @classmethod
    def of(cls, row: SweepRow) -> "PlannedSweep":
        """Read a sweep's row.

        Raises:
            ValueError: its plan is of another version.
        """
        plan = SweepPlan.model_validate(row.plan)
        launcher = Launcher(tuple(row.trainer), Limits(**row.limits))
        return cls(row.id, plan, launcher.hopeless_stopped() if plan.by_forecast else launcher)

    @property
    def tags(self) -> list[str]:
        """What every trial of it is tagged with."""
        return [*self.plan.tags, tag(self.id)]


def queue_point(
    tx: Transaction, sweep: PlannedSweep, number: int, point: PlannedPoint
) -> list[int]:
    """Queue the trials of a point, one for each seed, to the first rung; return those queued.

    One that is `reusable` is taken instead: it counts, and is not run again.

    Raises:
        InvalidConfigError: the point makes a config that the trainer would refuse.
    """
    queued = list[int]()
    for config in configs_of(sweep.plan, point):
        if (spare := reusable(tx, sweep.plan, config, sweep.launcher)) is not None:
            _take(tx, sweep, number, spare)
        else:
            queued += _queue(tx, sweep, number, config)
    return queued


def reusable(tx: Transaction, plan: SweepPlan, config: RunConfig, launcher: Launcher) -> int | None:
    """Return a trial of no sweep that has the config, seed and code, and did not fail.

    Where there are rungs it must not have been continued by hand: the sweep is to promote it.
    """
    has_rungs = plan.early_stopping is not None and not plan.by_forecast
    return trials.spare(tx, launches.fingerprint(config, launcher), leaf=has_rungs)


def configs_of(plan: SweepPlan, point: PlannedPoint) -> list[RunConfig]:
    """Return the configs of a point's first trials, one for each seed.

    Raises:
        InvalidConfigError: the trainer would refuse one.
    """
    config = plan.resolved(point.overrides)
    rungs = plan.rungs(config.target)
    if rungs:
        config = plan.resolved(point.overrides | {"pause_after_steps": rungs[0]})
    return checks.checked_seeds(config, plan.seeds)


def tag(sweep_id: int) -> str:
    """Return the tag that every trial of a sweep carries."""
    return f"sweep-{sweep_id}"


def _queue(tx: Transaction, sweep: PlannedSweep, number: int, config: RunConfig) -> list[int]:
    made = launches.launch(
        tx,
        requests.request(sweep.plan.priority, None, sweep=sweep.id, point=number),
        [config],
        sweep.launcher,
        once=False,
        tags=requests.checked_tags(sweep.tags),
        hypothesis=requests.checked_hypothesis(sweep.plan.hypothesis),
        sweep=sweep.id,
        point=number,
    )
    return made.trials


def _take(tx: Transaction, sweep: PlannedSweep, number: int, trial_id: int) -> None:
    """Make a trial that exists one of the point's, with the tags of the sweep."""
    trials.join_sweep(tx, trial_id, sweep.id, number)
    launches.tag(tx, trial_id, sweep.tags)
    message = (
        f"sweep {sweep.id}: trial {trial_id} has the config, seed and code of point {number} "
        "and is not run again"
    )
    events.append(tx, "sweep", message, trial_id, {"sweep": sweep.id, "point": number})
