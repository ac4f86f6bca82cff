"""Fixtures of the fault tests: those of the lab, and a cluster."""

from lab_fixtures import open_lab, workspace
from slurm_cluster import slurm_cluster, slurm_session

__all__ = ["open_lab", "slurm_cluster", "slurm_session", "workspace"]
