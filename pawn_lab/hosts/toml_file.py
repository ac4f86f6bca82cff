"""A host's TOML: our tables between two marks, at its end at first; every other byte stays."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts.changes import FileChange, backup_of, read

_START = "# pawn-lab: written by `pawn-lab install`, taken out by its --remove"
_END = "# pawn-lab: end"
_OURS = re.compile(rf"\n*{re.escape(_START)}\n.*?{re.escape(_END)}\n?", re.DOTALL)


@dataclass(frozen=True)
class TomlFile:
    """A table of ours, and the tables in it."""

    path: Path
    keys: tuple[str, ...]
    table: Mapping[str, Any]

    def put(self) -> Iterator[FileChange]:
        """Yield the file with our table."""
        before = read(self.path)
        text = (before or b"").decode()
        block = "\n".join([_START, *_table(self.keys, self.table), _END])
        self._check_free(_OURS.sub("\n", text))
        there = _OURS.search(text)
        if there and there[0].strip() == block:
            return
        rest = text.rstrip("\n")
        appended = f"{rest}\n\n{block}\n" if rest else f"{block}\n"
        after = text.replace(there[0].strip(), block) if there else appended
        self._check_valid(after)
        yield FileChange(self.path, before, after.encode(), first=not there)

    def taken(self) -> Iterator[FileChange]:
        """Yield the file without our table: as it was once, where nothing else has changed."""
        before, kept = read(self.path), read(backup_of(self.path))
        text = (before or b"").decode()
        if not _OURS.search(text):
            return
        rest = _OURS.sub("\n", text).strip("\n")
        if kept is not None and rest == kept.decode().strip("\n"):
            yield FileChange(self.path, before, kept)
            yield FileChange(backup_of(self.path), kept, None, whole=True)
        else:
            yield FileChange(self.path, before, f"{rest}\n".encode() if rest else None)

    def _check_free(self, text: str) -> None:
        document: Any = self._check_valid(text)
        for key in self.keys:
            document = document.get(key, {}) if isinstance(document, dict) else {}
        if document:
            raise InvalidRequestError(
                f"{self.path} has a table [{'.'.join(self.keys)}] that `pawn-lab install` did not "
                "write; take it out first"
            )

    def _check_valid(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidRequestError(
                f"{self.path} cannot take [{'.'.join(self.keys)}] at its end ({error}); correct it "
                "first"
            ) from None


def _table(keys: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{'.'.join(keys)}]"
    for name, value in table.items():
        if not isinstance(value, dict):
            yield f"{name} = {_value(value)}"
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _table((*keys, name), value)


def _value(value: Any) -> str:
    """Return a string, a number or a list of them; what JSON writes of these is TOML."""
    return json.dumps(value, ensure_ascii=False)
