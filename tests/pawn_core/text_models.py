"""Small models of text, with weights large enough that their choices differ."""

import json
from functools import cache

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from tokenizers.decoders import ByteLevel

from pawn_core.config import Architecture
from pawn_core.language import (
    CharacterVocabulary,
    Gpt2Tokenizer,
    TextModel,
    TextModelSpec,
    new_text_model,
)

SIZES = Architecture(d_model=24, n_layers=2, n_heads=3, d_ff=40)
CONTEXT = 40
SENTENCES = ["P: a cab abed", "the bed had a cab", "a bad dad fed a bee"]


@cache
def byte_pairs() -> Gpt2Tokenizer:
    """Return byte pairs of GPT-2's form, learned of a few words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=270,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return Gpt2Tokenizer(json.loads(tokenizer.to_str()))


def written_by(family: str, sizes: Architecture = SIZES, context: int = CONTEXT) -> TextModel:
    """Return a model of random weights whose completions end now and then."""
    tokenizer = CharacterVocabulary() if family == "characters" else byte_pairs()
    text_model = new_text_model(TextModelSpec(family, sizes, context), 0, tokenizer)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in text_model.model.parameters():
            noise = torch.randn(parameter.shape, generator=generator) * 0.3
            parameter.copy_(noise if parameter.dim() > 1 else parameter + noise)
        text_model.model.lm_head.weight[tokenizer.end] *= 3
    return text_model
