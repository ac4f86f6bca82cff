"""What holds for every test.

Properties are tested by the number of examples, never by the clock of a busy machine; this user's
caches are left alone. Trainers that start may be warm.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from warm_trainers import warm_trainers

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
_CACHE, _COMPILED = "PAWN_GAMES_CACHE", "PAWN_COMPILED_CACHE"
_LONG = ("test_demo.py", "test_damaged_files.py", "test_concurrency.py", "test_failpoints.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first: at the end, one would keep a single worker busy."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.fixture(autouse=True, scope="session")
def games_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes of all tests cache games in a folder of this session's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_CACHE, str(tmp_path_factory.mktemp("games_cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def compiled_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes of all tests compile into a folder of this session's, none twice."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_COMPILED, str(shared / "compiled"))
        yield


@pytest.fixture(autouse=True)
def no_folder_of_an_earlier_run() -> None:
    """Let no test take the folder that a compiled run in this process chose for the user's."""
    os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)


@pytest.fixture(autouse=True, scope="session")
def no_idle_alarm() -> Iterator[None]:
    """Let devices of the labs of all tests idle, however long the suite takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAWN_IDLE_MIN", "100000")
        yield


@pytest.fixture(scope="session")
def warm() -> Iterator[str]:
    """A PYTHONPATH with which a trainer is forked from one that has imported torch."""
    with warm_trainers() as path:
        yield path
