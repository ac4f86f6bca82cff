"""Documents without the places of the machine that they were written on."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any


def local_places(documents: Iterable[Any]) -> list[str]:
    """Return the absolute paths that are values of documents, the longest first."""
    places = {text for document in documents for text in _texts(document) if _is_place(text)}
    return sorted(places, key=len, reverse=True)


def without_places(document: Any, places: Iterable[str]) -> Any:
    """Return a document of JSON in whose texts the last part stands for each of the places."""
    if isinstance(document, str):
        for place in places:
            document = document.replace(place, PurePath(place).name)
        return document
    if isinstance(document, Mapping):
        return {name: without_places(value, places) for name, value in document.items()}
    if isinstance(document, list):
        return [without_places(value, places) for value in document]
    return document


def _texts(document: Any) -> Iterable[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, Mapping | list):
        values = document.values() if isinstance(document, Mapping) else document
        for value in values:
            yield from _texts(value)


def _is_place(text: str) -> bool:
    return len(PurePath(text).parts) > 1 and PurePath(text).is_absolute() and "\n" not in text
