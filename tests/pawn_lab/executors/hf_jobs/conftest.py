"""A hub on this machine for a test, and the place of its jobs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import HubPlace, hf_jobs_place
from hf_cloud import HfCloud


@pytest.fixture
def place(tmp_path: Path) -> Iterator[HubPlace]:
    """Return a hub that runs jobs as processes of this machine."""
    with hf_jobs_place(tmp_path) as place:
        yield place


@pytest.fixture
def cloud(place: HubPlace) -> HfCloud:
    """Return the hub itself."""
    return place.cloud
