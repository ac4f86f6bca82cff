"""A trial as the tools show it."""

import json
from datetime import UTC, datetime
from typing import Any, overload

from pawn_lab.configs import StoredConfig
from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.tools.check_in import check_in
from pawn_lab.tools.values import Answer


class TrialAnswer(Answer):
    """A trial after a call that changed it."""

    trial_id: int
    state: str
    tags: list[str] | None = None
    parent: int | None = None
    from_step: int | None = None
    device: str | None = None
    why_waiting: str | None = None
    next_check_s: int | None = None


def trial_answer(lab: Lab, trial: Trial) -> TrialAnswer:
    """Show a trial that was just launched, resumed or killed."""
    return TrialAnswer(
        trial_id=trial.id,
        state=trial.state,
        tags=trial.tags or None,
        parent=trial.parent,
        from_step=trial.from_step,
        device=trial.device,
        why_waiting=trial.why_waiting,
        next_check_s=check_in(lab).next_check_s,
    )


@overload
def timestamp(unix_s: float) -> str: ...
@overload
def timestamp(unix_s: float | None) -> str | None: ...
def timestamp(unix_s: float | None) -> str | None:
    """Return a moment as UTC text, to the second; None stays None."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of_year(unix_s: float) -> str:
    """Return a moment of these days as `11-21 10:22:01`, UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%m-%d %H:%M:%S")


def setting_text(settings: dict[str, Any]) -> str:
    """Return `mate_boost=1.0 no_outcome_token=true optimizer=muon`."""
    return " ".join(f"{name}={_bare(value)}" for name, value in settings.items())


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def beyond_defaults(config: StoredConfig) -> dict[str, Any]:
    """Return the fields of a config that are not at their defaults."""
    fields = config.known_kind.model_fields if config.known_kind else {}
    return {
        name: value
        for name, value in config.items()
        if value is not None and not (name in fields and value == fields[name].default)
    }
