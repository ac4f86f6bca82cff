"""Fixtures of the fault tests: those of the lab."""

from lab_fixtures import open_lab, warm_processes, workspace

__all__ = ["open_lab", "warm_processes", "workspace"]
