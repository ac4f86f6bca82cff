"""The hub's client, for the user who has logged in."""

import functools
from typing import Any

from huggingface_hub import HfApi, get_token, set_client_factory
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils._http import default_client_factory

from pawn_core.uploads.errors import RefusedError

_CONNECT_S, _SILENCE_S = 10.0, 60.0


def hub(silence_s: float = _SILENCE_S) -> HfApi:
    """Return the client; it takes the token from `HF_TOKEN` or from `hf auth login`.

    silence_s: how long this process waits for an answer from now on.

    Raises:
        RefusedError: there is none.
    """
    if get_token() is None:
        raise RefusedError("nobody is logged in: `hf auth login` keeps a token in your home")
    disable_progress_bars()
    set_client_factory(functools.partial(_session, silence_s))
    return HfApi(library_name="pawn-lab")


def _session(silence_s: float) -> Any:
    """Return the client's HTTP session, which by itself would wait for an answer for ever."""
    session = default_client_factory()
    session.timeout = (min(_CONNECT_S, silence_s), silence_s, silence_s, silence_s)
    return session
