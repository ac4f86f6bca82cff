"""What keeps the lab from working here, with the command that mends it."""

from pawn_lab.doctor.checks import CHECKS, Check, examine
from pawn_lab.doctor.diagnosis import Diagnosis, Patient, Status

__all__ = ["CHECKS", "Check", "Diagnosis", "Patient", "Status", "examine"]
