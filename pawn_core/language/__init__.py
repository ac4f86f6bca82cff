"""Language models of text: tokenizers, models, completions and their log-probabilities."""

from pawn_core.language.completions import Completions, complete
from pawn_core.language.rows import text_batch
from pawn_core.language.sampling import TextSampling
from pawn_core.language.scoring import hidden_states, token_log_probs, token_logits
from pawn_core.language.text_model import (
    LanguageModel,
    TextModel,
    TextModelSpec,
    load_text_model,
    new_text_model,
)
from pawn_core.language.tokenizer import CharacterVocabulary, Gpt2Tokenizer, Tokenizer

__all__ = [
    "CharacterVocabulary",
    "Completions",
    "Gpt2Tokenizer",
    "LanguageModel",
    "TextModel",
    "TextModelSpec",
    "TextSampling",
    "Tokenizer",
    "complete",
    "hidden_states",
    "load_text_model",
    "new_text_model",
    "text_batch",
    "token_log_probs",
    "token_logits",
]
