"""Fixtures of the fault tests: those of the lab."""

from lab_fixtures import open_lab, workspace

__all__ = ["open_lab", "workspace"]
