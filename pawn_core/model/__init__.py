"""The transformer and its parts, and GPT-2."""

from pawn_core.model.gpt2 import Gpt2
from pawn_core.model.language_model import LanguageModel
from pawn_core.model.transformer import Transformer, parameter_count

__all__ = ["Gpt2", "LanguageModel", "Transformer", "parameter_count"]
