"""The overview: what needs a decision, what runs, waits and ended lately, devices and money."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pawn_core.config.facts import Merit
from pawn_core.metrics import Record
from pawn_lab.lab import Lab, queries, spending
from pawn_lab.records import CostReport, Event, Progress, Trial
from pawn_lab.records.money import Course
from pawn_lab.reporting.headline import decisions, headline
from pawn_lab.reporting.health import is_trouble
from pawn_lab.states import State
from pawn_lab.store import events as stored_events
from pawn_lab.trials import streams, variants
from pawn_lab.views.briefs import brief
from pawn_lab.views.thinning import kept
from pawn_lab.views.view import View

LATEST = 8
"""Trials that ended last, and events, that are shown."""
MOST_QUEUED = 50
"""Trials of the queue that are shown."""
MOST_POINTS = 60
"""Of a sparkline."""
MOST_TAGS = 8
MOST_TURNS = 300
"""Points of a course of money."""


def overview(lab: Lab) -> dict[str, Any]:
    """Return the lab at a glance, in full numbers: lab_status for people."""
    glance, devices = queries.glance(lab, latest=LATEST), queries.devices(lab)
    now = {progress.trial_id: progress for progress in queries.running(lab)}
    running = [_running(lab, t, now[t.id]) for t in glance.active if t.id in now]
    queued = [trial for trial in glance.active if trial.state == State.QUEUED]
    queue = [trial for trial in queued if not trial.on_hold]
    ailing = {row["id"]: row["health"] for row in running if is_trouble(row["health"])}
    return {
        "headline": headline(glance, devices, ailing),
        "decisions": decisions(glance, devices, ailing),
        "warning": _warning(lab),
        "counts": dict(glance.counts),
        "running": running,
        "queue": [_queued(t) for t in sorted(queue, key=_place)[:MOST_QUEUED]],
        "queued": len(queue),
        "holds": [_queued(trial) for trial in queued if trial.on_hold],
        "ended": [_ended(trial) for trial in glance.ended],
        "devices": [device.model_dump() for device in devices],
        "lost_devices": queries.device_faults(lab),
        "spending": _spending(lab),
        "events": [event_row(event) for event in _latest_events(lab)],
    }


def _place(trial: Trial) -> int:
    return trial.queued_before or 0


def _warning(lab: Lab) -> str | None:
    """Say that the lab can only be read, and why, or that it was mended just now."""
    if lab.refusal:
        return f"Nothing is recorded or launched: {lab.refusal}."
    return lab.mended


def _running(lab: Lab, trial: Trial, progress: Progress) -> dict[str, Any]:
    """Show a trial that holds a device, with the course of its metric of merit."""
    return {
        **brief(trial),
        "device": trial.device,
        "started_at": trial.started_at,
        "cost": trial.cost,
        "from_step": trial.from_step,
        "courses": _courses(lab, trial),
        **progress_row(progress),
    }


def progress_row(progress: Progress) -> dict[str, Any]:
    """Show how far a trial is and what its models have shown last."""
    return {
        "state": progress.state,
        "unit": progress.unit,
        "step": progress.step,
        "target": progress.target_step,
        "steps_per_s": progress.steps_per_s,
        "eta_s": progress.eta_s,
        "data_wait": progress.data_wait,
        "device_memory": progress.device_memory,
        "health": progress.health,
        "live": {name: model.live for name, model in progress.models.items()},
    }


def _courses(lab: Lab, trial: Trial) -> list[dict[str, Any]]:
    """Return each model's metric of merit over its evaluations."""
    merit = trial.config.kind.merit
    if not merit.exists:
        return []
    evaluations = streams.shown(lab.paths.trial(trial.id), merit).evaluations
    return [
        {"model": model, "metric": merit.metric, "values": _course(evaluations, model, merit)}
        for model in trial.config.models
    ]


def _course(evaluations: list[Record], model: str, merit: Merit) -> np.ndarray:
    """Return the metric of merit of a model, thinned so that its spikes stay."""
    values = [r.get(merit.metric) for r in variants.records_of(evaluations, model)]
    course = np.array(values, dtype=np.float64)  # null is not a number here
    return course[kept(course, slice(0, len(course)), MOST_POINTS)]


def _queued(trial: Trial) -> dict[str, Any]:
    return {
        **brief(trial),
        "on_hold": trial.on_hold,
        "why": trial.waits_for,
        "created_at": trial.created_at,
        "priority": trial.priority,
    }


def _ended(trial: Trial) -> dict[str, Any]:
    return {
        **brief(trial),
        "ended_at": trial.ended_at,
        "step": trial.exit.step if trial.exit else None,
        "unit": trial.config.kind.progress.unit,
        "message": trial.exit.message if trial.exit else None,
        "cost": trial.cost,
    }


def _spending(lab: Lab) -> dict[str, Any]:
    """Return what was spent, over time too, and how long the budget lasts."""
    course = spending.course(lab)
    return {
        **_totals(course.report),
        "device_time": _few(course.device_time),
        "machine_time": _few(course.machine_time),
        "ahead": course.ahead,
        "spent_at": course.spent_at,
    }


def _totals(report: CostReport) -> dict[str, Any]:
    return {
        "cost_per_hour": report.cost_per_hour,
        "devices": report.devices,
        "device_hours": report.device_hours,
        "unpriced_device_hours": report.unpriced_device_hours,
        "total": report.total,
        "machine": report.machine and report.machine.model_dump(),
        "budget": report.budget and report.budget.model_dump(),
        "by_tag": _dearest(report.by_tag),
    }


def _dearest(by_tag: dict[str, float]) -> list[tuple[str, float]]:
    """Return the tags whose trials have cost most, a trial of several tags in each."""
    priced = [(tag, cost) for tag, cost in by_tag.items() if cost > 0]
    return sorted(priced, key=lambda pair: -pair[1])[:MOST_TAGS]


def _few(course: Course) -> Course:
    """Leave out turns of a course that no screen can show, never its ends."""
    every = -(-len(course) // MOST_TURNS)
    return course if every < 2 else [*course[:-1:every], course[-1]]


def _latest_events(lab: Lab) -> Sequence[Event]:
    with lab.database.read() as tx:
        return stored_events.latest(tx, LATEST)[::-1]


def event_row(event: Event) -> dict[str, Any]:
    """Show an event with who asked for it, where it says so."""
    return {
        "seq": event.seq,
        "time": event.time,
        "trial_id": event.trial_id,
        "kind": event.kind,
        "message": event.message,
        "by": event.data.get("by"),
    }


OVERVIEW = View(overview, title="The lab at a glance")
