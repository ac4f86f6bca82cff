"""From a config's strategy to its adapter."""

from pkgutil import resolve_name

from pawn_core.adapters.adapter import Adapter
from pawn_core.config import AdapterConfig
from pawn_core.config.adapters import adapter_named
from pawn_core.model import Transformer


def build_adapter(model: Transformer, config: AdapterConfig) -> Adapter:
    """Freeze a model and install the config's adapter in it.

    Raises:
        ValueError: the model lacks a layer that is to be adapted.
    """
    return resolve_name(adapter_named(config.strategy).implementation)(model, config)
