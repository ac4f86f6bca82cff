"""Text as token ids and back: printable characters, or the byte pairs of GPT-2.

A prompt and a completion are encoded apart, so that no token spans both: what a model is trained on
is what it is given and writes when it completes.
"""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from tokenizers import Tokenizer as Bytes
from tokenizers import decoders, models, pre_tokenizers

from pawn_core.checkpoint.errors import IncompatibleWeightsError

FIRST_CHARACTER, LAST_CHARACTER = " ", "~"
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_END_OF_TEXT = "<|endoftext|>"


class Tokenizer(Protocol):
    """What turns text into the ids of one vocabulary."""

    name: ClassVar[str]

    @property
    def size(self) -> int:
        """Return the number of tokens."""
        ...

    @property
    def pad(self) -> int:
        """Return what fills rows up; no position of a text is ever told by it."""
        ...

    @property
    def end(self) -> int:
        """Return the token that ends a completion."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, no end added.

        Raises:
            ValueError: it holds a character that has no token.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; what is no text becomes something that no right answer has."""
        ...


class CharacterVocabulary:
    """A token a character: printable ASCII, after PAD and the end."""

    name: ClassVar[str] = "characters"
    pad = 0
    end = 1
    size = 2 + ord(LAST_CHARACTER) - ord(FIRST_CHARACTER) + 1

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text.

        Raises:
            ValueError: it holds a character that is not printable ASCII.
        """
        for index, character in enumerate(text):
            if not FIRST_CHARACTER <= character <= LAST_CHARACTER:
                raise ValueError(
                    f"character {character!r} at {index} of {text[:40]!r} has no token; "
                    f"allowed: printable ASCII, {FIRST_CHARACTER!r} to {LAST_CHARACTER!r}"
                )
        return [ord(character) - ord(FIRST_CHARACTER) + 2 for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; PAD and the end become U+FFFD."""
        first = ord(FIRST_CHARACTER) - 2
        return "".join(chr(first + int(i)) if i >= 2 else _UNREADABLE for i in ids)


class Gpt2Tokenizer:
    """GPT-2's byte pairs (Radford et al., 2019), or any byte-level vocabulary of its form.

    PAD and the end are both `<|endoftext|>`, as the published models have it: which positions count
    is told by place, never by id.
    """

    name: ClassVar[str] = "gpt2"

    def __init__(self, document: dict[str, Any]) -> None:
        """Make it of a `tokenizer.json`.

        Raises:
            IncompatibleWeightsError: it is no such document, or knows no `<|endoftext|>`.
        """
        try:
            self._bytes = Bytes.from_str(json.dumps(document))
        except Exception as error:  # the library raises nothing narrower
            raise IncompatibleWeightsError(f"tokenizer.json is not readable: {error}") from None
        self._bytes.no_padding()
        self._bytes.no_truncation()
        self._bytes.encode_special_tokens = True  # an end that stands in a text is text
        end = self._bytes.token_to_id(_END_OF_TEXT)
        if end is None:
            raise IncompatibleWeightsError(f"the tokenizer has no token {_END_OF_TEXT}")
        self.pad = self.end = end
        self.size = self._bytes.get_vocab_size()

    @classmethod
    def of_merges(cls, vocabulary: dict[str, int], merges: str) -> "Gpt2Tokenizer":
        """Make it of the contents of `vocab.json` and `merges.txt`.

        Raises:
            IncompatibleWeightsError: they are not of each other.
        """
        lines = [line for line in merges.splitlines() if line and not line.startswith("#version")]
        try:
            pairs = [(first, second) for first, second in (line.split(" ") for line in lines)]
            tokenizer = Bytes(models.BPE(vocab=vocabulary, merges=pairs))
        except Exception as error:  # the library raises nothing narrower
            raise IncompatibleWeightsError(
                f"vocab.json and merges.txt make no tokenizer: {error}"
            ) from None
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        return cls(json.loads(tokenizer.to_str()))

    def document(self) -> dict[str, Any]:
        """Return it as `tokenizer.json` has it."""
        return json.loads(self._bytes.to_str())

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; every byte has a token."""
        return self._bytes.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD."""
        return self._bytes.decode([int(i) for i in ids], skip_special_tokens=False)
