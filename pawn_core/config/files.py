"""Configs as files."""

from pathlib import Path
from typing import Any

from pawn_core.config.errors import ConfigError
from pawn_core.untrusted import parse_object


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ConfigError: there is no such file, or it holds anything else.
    """
    try:
        return parse_object(path.read_bytes(), path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(str(error)) from None
