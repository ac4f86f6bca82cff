"""What holds for every test.

Properties are tested by the number of examples, never by the clock of a busy machine; this user's
cache of real games is left alone.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
_CACHE = "PAWN_GAMES_CACHE"


@pytest.fixture(autouse=True, scope="session")
def games_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes of all tests cache games in a folder of this session's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_CACHE, str(tmp_path_factory.mktemp("games_cache")))
        yield
