"""The weights that a policy starts from and is held to: frozen, and the same after a resume."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pawn_core.config import ConfigError, GrpoConfig
from pawn_core.language import TextModel, load_text_model
from pawn_core.run_paths import MODEL, REFERENCE
from pawn_core.text_path import is_file
from pawn_core.training.setup import Setup


def load_reference(config: GrpoConfig, setup: Setup) -> tuple[TextModel, dict[str, Any]]:
    """Return the model that the config names, of a resumed run that from before; and which it is.

    Raises:
        ConfigError: the weights are gone, or others are in their place.
    """
    if setup.checkpoint is None:
        model = load_text_model(config.checkpoint, setup.run_dir, setup.runtime.device)
        assert model.origin is not None
        return model, asdict(model.origin)
    saved, reasons = setup.checkpoint.documents[REFERENCE], []
    for source in _places(saved):
        try:
            model = load_text_model(source, setup.run_dir, setup.runtime.device)
        except ConfigError as error:
            reasons.append(str(error))
            continue
        assert model.origin is not None
        if model.origin.sha256 == saved["sha256"]:
            return model, saved
        reasons.append(f"{model.origin.path} has SHA-256 {model.origin.sha256}")
    raise ConfigError(
        f"checkpoint {saved['source']!r}: the reference that this run is held to (SHA-256 "
        f"{saved['sha256']}) is not at hand: {'; '.join(dict.fromkeys(reasons))}. Put it at "
        f"{saved['path']}, or start a new run from other weights"
    )


def _places(saved: dict[str, Any]) -> list[str]:
    """Return where they were, while there is a file, then what the config calls them."""
    path = Path(saved["path"])
    where = [str(path.parent if path.name == MODEL else path)] if is_file(path) else []
    return [*where, saved["source"]]
