"""Fixtures of the executors' tests."""

from slurm_cluster import slurm_cluster, slurm_session

__all__ = ["slurm_cluster", "slurm_session"]
