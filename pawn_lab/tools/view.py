"""lab_view: what a page of the dashboard asks, for pages inside MCP hosts."""

from typing import Annotated, Any

from pydantic import Field

from pawn_lab import views
from pawn_lab.lab import Lab
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, JsonObject


class ViewAnswer(Answer):
    """What the page shows, in bulk."""

    answer: dict[str, Any]


def lab_view(
    lab: Lab,
    view: Annotated[str, Field(description="As overview, curves, trials.")],
    arguments: Annotated[JsonObject | None, Field(description="As trials, since.")] = None,
) -> ViewAnswer:
    """Answer a question of a page of the dashboard, in bulk: for pages, not for agents.

    The views and what they take are those of `pawn_lab.views`.
    """
    return ViewAnswer(answer=views.answered(lab, view, arguments or {}))


TOOL = LabTool(
    lab_view, title="What a page shows", read_only=True, idempotent=True, for_people=True
)
