"""What pages show, read from a lab: one file a view, one line in this tuple.

The dashboard, the report and the tests read `VIEWS`.
"""

from collections.abc import Mapping
from typing import Any

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.views.board_models import BOARD_MODELS
from pawn_lab.views.curves import CURVES
from pawn_lab.views.launch_form import LAUNCH_FORM
from pawn_lab.views.metrics import METRICS
from pawn_lab.views.notes import NOTES
from pawn_lab.views.overview import OVERVIEW
from pawn_lab.views.sweeps import SWEEP, SWEEPS
from pawn_lab.views.trial import CHECKPOINT, EVALUATIONS, TRIAL
from pawn_lab.views.trials import TRIALS
from pawn_lab.views.view import View

VIEWS: tuple[View, ...] = (
    OVERVIEW,
    TRIALS,
    TRIAL,
    EVALUATIONS,
    CHECKPOINT,
    CURVES,
    METRICS,
    SWEEPS,
    SWEEP,
    NOTES,
    LAUNCH_FORM,
    BOARD_MODELS,
)


def answered(lab: Lab, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a view by its name, in plain JSON values.

    Raises:
        InvalidRequestError: no such view, or an argument is unknown, missing or out of range.
        LabError: what the lab refused, and why.
    """
    view = next((view for view in VIEWS if view.name == name), None)
    if view is None:
        names = [view.name for view in VIEWS]
        raise InvalidRequestError(
            f"view {name[:100]!r} is unknown{did_you_mean(name[:100], names)}; "
            f"one of: {', '.join(names)}"
        )
    return view(lab, arguments)


__all__ = ["VIEWS", "View", "answered"]
