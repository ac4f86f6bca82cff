"""A host's JSON: our entries are put in and taken out, all others stay, in their order."""

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts import hooks
from pawn_lab.hosts.changes import FileChange, backup_of, read

_INDENT = re.compile(r'\n([ \t]+)"')

Keys = tuple[str, ...]


@dataclass(frozen=True)
class JsonFile:
    """Entries of ours in a JSON object.

    values: at these keys; one of that name that was there before comes back when ours is taken out.
    rows: hooks of ours, in the lists at these keys.
    basics: what the host needs beside, where it is missing.
    """

    path: Path
    values: Mapping[Keys, Any] = field(default_factory=dict)
    rows: Mapping[Keys, Mapping[str, Any]] = field(default_factory=dict)
    basics: Mapping[str, Any] = field(default_factory=dict)

    def put(self) -> Iterator[FileChange]:
        """Yield the file with our entries."""
        before = read(self.path)
        document = self._parsed(before)
        changed = dict(self.basics) | copy.deepcopy(document)
        for keys, value in self.values.items():
            _inside(changed, keys[:-1], self.path)[keys[-1]] = value
        for keys, row in self.rows.items():
            _put_row(_inside(changed, keys[:-1], self.path), keys[-1], row, self.path)
        if changed != document:
            first = not self._has_ours(document)
            yield FileChange(self.path, before, _written(changed, before), first=first)

    def taken(self) -> Iterator[FileChange]:
        """Yield the file without our entries: as it was once, where nothing else has changed."""
        before, kept = read(self.path), read(backup_of(self.path))
        if before is None:
            return
        document, once = self._parsed(before), self._parsed(kept)
        changed = copy.deepcopy(document)
        for keys in self.values:
            _restore(changed, once, keys)
        for keys in self.rows:
            _take_rows(changed, once, keys)
        if changed == document:
            return
        if kept is not None and changed == once:
            yield FileChange(self.path, before, kept)
            yield FileChange(backup_of(self.path), kept, None, whole=True)
        elif kept is None and changed in ({}, dict(self.basics)):
            yield FileChange(self.path, before, None)
        else:
            yield FileChange(self.path, before, _written(changed, before))

    def _has_ours(self, document: dict[str, Any]) -> bool:
        servers = (_at(document, keys) for keys in self.values)
        lists = (_at(document, keys[:-1]).get(keys[-1]) for keys in self.rows)
        rows = chain.from_iterable(there for there in lists if isinstance(there, list))
        return any(map(_is_our_server, servers)) or any(map(hooks.is_ours, rows))

    def _parsed(self, content: bytes | None) -> dict[str, Any]:
        """Return what the file holds.

        Raises:
            InvalidRequestError: it is no JSON object, or has comments or a key twice, which would
                be lost.
        """
        text = (content or b"").decode("utf-8-sig")
        try:
            document = json.loads(text, object_pairs_hook=_without_repeats) if text.strip() else {}
        except ValueError as error:
            ours = {".".join(keys): value for keys, value in {**self.values, **self.rows}.items()}
            raise InvalidRequestError(
                f"{self.path} is not plain JSON ({error}), and writing it anew would lose what it "
                f"has besides; put this into it by hand: {json.dumps(ours)}"
            ) from None
        if not isinstance(document, dict):
            raise InvalidRequestError(f"{self.path} holds no JSON object; move it away")
        return document


def _is_our_server(entry: dict[str, Any]) -> bool:
    """Say whether a server is one of ours, of whichever installation."""
    words = [str(entry.get("command")), *map(str, entry.get("args") or ())]
    return words[-1] == "mcp" and any(word.endswith("/bin/pawn-lab") for word in words)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return document


def _inside(document: dict[str, Any], keys: Keys, path: Path) -> dict[str, Any]:
    """Return the object at these keys, made where it is missing."""
    for key in keys:
        document = document.setdefault(key, {})
        if not isinstance(document, dict):
            raise InvalidRequestError(f"{path} has no object at {'.'.join(keys)}; correct it first")
    return document


def _put_row(parent: dict[str, Any], key: str, row: Mapping[str, Any], path: Path) -> None:
    """Put a row in the place of ours, else at the end: hosts know hooks by their places."""
    rows = parent.setdefault(key, [])
    if not isinstance(rows, list):
        raise InvalidRequestError(f"{path} has no list at {key}; correct it first")
    place = next((n for n, there in enumerate(rows) if hooks.is_ours(there)), len(rows))
    kept = [hooks.without_ours(there) if hooks.is_ours(there) else there for there in rows]
    if place < len(rows) and kept[place] is None:
        kept[place] = dict(row)
    else:
        kept.append(dict(row))
    rows[:] = [there for there in kept if there is not None]


def _restore(document: dict[str, Any], once: dict[str, Any], keys: Keys) -> None:
    """Put back what stood at these keys once, or nothing."""
    *outer, last = keys
    there, then = _at(document, outer), _at(once, outer)
    if last in then:
        there[last] = then[last]
    elif last in there:
        del there[last]
        _drop_empty(document, once, outer)


def _take_rows(document: dict[str, Any], once: dict[str, Any], keys: Keys) -> None:
    *outer, last = keys
    parent = _at(document, outer)
    rows = parent.get(last)
    if isinstance(rows, list) and any(map(hooks.is_ours, rows)):
        kept = [hooks.without_ours(row) if hooks.is_ours(row) else row for row in rows]
        rows[:] = [row for row in kept if row is not None]
        _drop_empty(document, once, keys)


def _at(document: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return the object at these keys; an empty one where there is none."""
    for key in keys:
        inner = document.get(key)
        document = inner if isinstance(inner, dict) else {}
    return document


def _drop_empty(document: dict[str, Any], once: dict[str, Any], keys: Sequence[str]) -> None:
    """Take out what has become empty, the innermost first, unless it was there once."""
    for length in range(len(keys), 0, -1):
        *outer, last = keys[:length]
        parent = _at(document, outer)
        if not parent.get(last) and last not in _at(once, outer):
            parent.pop(last, None)


def _written(document: dict[str, Any], before: bytes | None) -> bytes:
    """Return a document's text, indented as the file was."""
    text = (before or b"").decode("utf-8-sig")
    indent = _INDENT.search(text)
    style: str | int | None = indent[1] if indent else 2
    return (json.dumps(document, indent=style, ensure_ascii=False) + "\n").encode()
