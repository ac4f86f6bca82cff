"""What keeps the lab from working here, with the command that mends it."""

from pawn_lab.doctor.checks import CHECKS, Check, examine
from pawn_lab.doctor.finding import Finding, Patient, Status

__all__ = ["CHECKS", "Check", "Finding", "Patient", "Status", "examine"]
