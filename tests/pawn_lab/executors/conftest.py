"""A Slurm cluster for the tests of a process, started by the first that needs one."""

from collections.abc import Iterator

import pytest
from slurm_cluster import Cluster, running_cluster, why_none


@pytest.fixture(scope="session")
def slurm_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster; tests that need one are skipped where there is no Slurm."""
    if (why := why_none()) is not None:
        pytest.skip(why)
    with running_cluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def slurm_cluster(slurm_session: Cluster) -> Iterator[Cluster]:
    """The cluster, without a job afterwards."""
    yield slurm_session
    slurm_session.clear()
