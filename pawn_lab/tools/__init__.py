"""The lab's tools: one file a tool, one line in this tuple.

The MCP server, the CLI, the documentation and the tests read `TOOLS`.
"""

from pawn_lab.tools import (
    approve,
    audit,
    compare,
    diff,
    events,
    importing,
    kill,
    launch,
    log,
    notes,
    plot,
    report,
    results,
    resume,
    schema,
    set_cost,
    status,
    sweep,
    tag,
    view,
    wait,
)
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer

TOOLS: tuple[LabTool, ...] = (
    schema.TOOL,
    launch.TOOL,
    importing.TOOL,
    sweep.TOOL,
    resume.TOOL,
    kill.TOOL,
    approve.TOOL,
    tag.TOOL,
    view.TOOL,
    status.TOOL,
    events.TOOL,
    wait.TOOL,
    results.TOOL,
    compare.TOOL,
    diff.TOOL,
    plot.TOOL,
    report.TOOL,
    log.TOOL,
    notes.TOOL,
    set_cost.TOOL,
    audit.TOOL,
)

AGENT_TOOLS = tuple(tool for tool in TOOLS if not tool.for_people)
"""What models are shown."""

__all__ = ["AGENT_TOOLS", "TOOLS", "Answer", "LabTool"]
