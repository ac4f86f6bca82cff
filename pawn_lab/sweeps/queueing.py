"""The trials of a point: queued, or taken from those that ran by themselves before."""

from dataclasses import replace

from pawn_core.config import RunConfig
from pawn_lab.shim.rules import Limits
from pawn_lab.store import Transaction, events, trials
from pawn_lab.store.database import Row
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import PlannedPoint
from pawn_lab.trials import checks, launches, requests
from pawn_lab.trials.launcher import Launcher


def queue_point(tx: Transaction, sweep: Row, number: int, point: PlannedPoint) -> list[int]:
    """Queue the trials of a point, one for each seed, to the first rung; return those queued.

    One that is `reusable` is taken instead: it counts, and is not run again.

    Raises:
        InvalidConfigError: the point makes a config that the trainer would refuse.
    """
    plan = SweepPlan.model_validate(sweep["plan"])
    launcher, queued = launcher_of(sweep), list[int]()
    for config in configs_of(plan, point):
        if (spare := reusable(tx, plan, config, launcher)) is not None:
            _take(tx, sweep, number, plan, spare)
        else:
            queued += _queue(tx, sweep, number, plan, config, launcher)
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


def launcher_of(sweep: Row) -> Launcher:
    """Return how the trials of a sweep are run."""
    own = replace(Launcher(), trainer=tuple(sweep["trainer"]), limits=Limits(**sweep["limits"]))
    by_forecast = SweepPlan.model_validate(sweep["plan"]).by_forecast
    return own.hopeless_stopped() if by_forecast else own


def tag(sweep_id: int) -> str:
    """Return the tag that every trial of a sweep carries."""
    return f"sweep-{sweep_id}"


def _queue(
    tx: Transaction, sweep: Row, number: int, plan: SweepPlan, config: RunConfig, launcher: Launcher
) -> list[int]:
    request = requests.request(plan.priority, None, sweep=sweep["id"], point=number)
    made = launches.launch(
        tx,
        request,
        [config],
        launcher,
        once=False,
        tags=requests.checked_tags([*plan.tags, tag(sweep["id"])]),
        hypothesis=requests.checked_hypothesis(plan.hypothesis),
        sweep=sweep["id"],
        point=number,
    )
    return made.trials


def _take(tx: Transaction, sweep: Row, number: int, plan: SweepPlan, trial_id: int) -> None:
    """Make a trial that exists one of the point's, with the tags of the sweep."""
    trials.join_sweep(tx, trial_id, sweep["id"], number)
    launches.tag(tx, trial_id, [*plan.tags, tag(sweep["id"])])
    message = (
        f"sweep {sweep['id']}: trial {trial_id} has the config, seed and code of point {number} "
        "and is not run again"
    )
    events.append(tx, "sweep", message, trial_id, {"sweep": sweep["id"], "point": number})
