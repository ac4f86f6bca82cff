"""What the lab answers with. Times are Unix seconds, durations seconds."""

from pawn_lab.records.family import Family, Reader, Relative
from pawn_lab.records.games import Games
from pawn_lab.records.hardware import DeviceStatus, DiskUse, FreedTrial
from pawn_lab.records.money import Basis, BudgetReport, CostReport, MachineReport, Spending, Spent
from pawn_lab.records.overview import Event, EventPage, Glance, IdleDevice, Pulse, Severity
from pawn_lab.records.record import Record
from pawn_lab.records.shown import Evaluation, LogExcerpt, ModelProgress, Progress, TrialResult
from pawn_lab.records.starting import Estimate, Launched, Resumed, Span
from pawn_lab.records.sweeping import Sweep, SweepEstimate, SweepPoint
from pawn_lab.records.trial import Evidence, Exit, PostMortem, Trial

__all__ = [
    "Basis",
    "BudgetReport",
    "CostReport",
    "DeviceStatus",
    "DiskUse",
    "Estimate",
    "Evaluation",
    "Event",
    "EventPage",
    "Evidence",
    "Exit",
    "Family",
    "FreedTrial",
    "Games",
    "Glance",
    "IdleDevice",
    "Launched",
    "LogExcerpt",
    "MachineReport",
    "ModelProgress",
    "PostMortem",
    "Progress",
    "Pulse",
    "Reader",
    "Record",
    "Relative",
    "Resumed",
    "Severity",
    "Span",
    "Spending",
    "Spent",
    "Sweep",
    "SweepEstimate",
    "SweepPoint",
    "Trial",
    "TrialResult",
]
