"""How far the points of a sweep are: the trials of each, seed by seed and rung by rung."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Evidence
from pawn_lab.reporting.exits import BY_FORECAST
from pawn_lab.states import ACTIVE, BROKE_OFF, ENDED_WELL
from pawn_lab.store import Transaction, sweeps, trials
from pawn_lab.store.rows import SweepPointRow, TrialRow
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.trials import streams, variants


@dataclass(frozen=True)
class Standing:
    """A point: its row and, by seed, the trials that continue one another, oldest first."""

    row: SweepPointRow
    chains: dict[int, list[TrialRow]]
    values: dict[int, float]
    """Metric of merit by rung that every seed has reached, the mean over seeds."""
    stop: int
    """The step at which it has been trained as far as the plan asks for; 0: it has no trial yet."""

    @property
    def number(self) -> int:
        """Number in the sweep."""
        return self.row.number

    @property
    def open(self) -> bool:
        """Whether nothing was decided about it yet."""
        return self.row.state == sweeps.ACTIVE

    @property
    def leaves(self) -> list[TrialRow]:
        """The last trial of each seed."""
        return [chain[-1] for chain in self.chains.values()]

    @property
    def running(self) -> bool:
        """Whether a trial of it goes on by itself, or none was made yet."""
        return not self.chains or any(leaf.state in ACTIVE for leaf in self.leaves)

    @property
    def broken(self) -> bool:
        """Whether a seed ended badly, so that its mean means nothing."""
        return any(leaf.state in BROKE_OFF for leaf in self.leaves)

    @property
    def given_up(self) -> Evidence | None:
        """The numbers for which a trial of it was stopped by its forecast."""
        ends = [leaf.exit for leaf in self.leaves if leaf.exit is not None]
        return next((end.evidence for end in ends if end.reason == BY_FORECAST), None)

    @property
    def stopped_at(self) -> int | None:
        """The step at which a rule stopped it, or at which it waits for one."""
        return self.rung if self.given_up is None else int(self.given_up["step"])

    @property
    def rung(self) -> int | None:
        """The step at which every seed has paused or ended; None where they differ."""
        steps = {leaf.config.target for leaf in self.leaves}
        return steps.pop() if len(steps) == 1 and not self.running and not self.broken else None


def standings(
    tx: Transaction, workspace: WorkspacePaths, sweep_id: int, plan: SweepPlan
) -> list[Standing]:
    """Return the points of a sweep with what their trials have shown."""
    by_point: dict[int, list[TrialRow]] = {}
    for row in trials.of_sweep(tx, sweep_id):
        if row.point is not None:
            by_point.setdefault(row.point, []).append(row)
    return [
        _standing(workspace, point, by_point.get(point.number, []), plan)
        for point in sweeps.points(tx, sweep_id)
    ]


def _standing(
    workspace: WorkspacePaths, point: SweepPointRow, rows: list[TrialRow], plan: SweepPlan
) -> Standing:
    chains: dict[int, list[TrialRow]] = {}
    for row in rows:
        chains.setdefault(row.config["seed"], []).append(row)
    stop = _stop(plan, rows) if rows else 0
    values = _values(workspace, list(chains.values()), plan, stop) if rows else {}
    return Standing(point, chains, values, stop)


def _values(
    workspace: WorkspacePaths, chains: list[list[TrialRow]], plan: SweepPlan, stop: int
) -> dict[int, float]:
    """Return the mean value at each step at which a decision is due, where every seed has it."""
    measured = [_by_step(workspace, chain) for chain in chains]
    means: dict[int, float] = {}
    for step in [*plan.rungs(stop), stop]:
        reached = [
            _at(chain, by_step, step) for chain, by_step in zip(chains, measured, strict=True)
        ]
        if all(value is not None for value in reached):
            means[step] = statistics.fmean(value for value in reached if value is not None)
    return means


def _stop(plan: SweepPlan, rows: Iterable[TrialRow]) -> int:
    """Return where a point's trials end, by one that knows its games where there is one."""
    return min(row.config.end(plan.config.get("pause_after_steps")) for row in rows)


def _by_step(workspace: WorkspacePaths, chain: Iterable[TrialRow]) -> dict[int, float]:
    values: dict[int, float] = {}
    for row in chain:
        merit = row.config.kind.merit
        evaluations = streams.evaluations(workspace.trial(row.id), merit)
        values |= variants.by_step(evaluations, merit.metric)
    return values


def _at(chain: list[TrialRow], values: dict[int, float], step: int) -> float | None:
    """Return the last value up to a step that a seed has reached in good order."""
    reached = any(row.state in ENDED_WELL and row.config.target >= step for row in chain)
    before = [at for at in values if at <= step]
    return values[max(before)] if reached and before else None
