"""Sources that are a file, and its lines: plain, or compressed by gzip, bzip2 or zstd.

A .zst file of lines needs the program zstd.
"""

import bz2
import contextlib
import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field

from pawn_core.config import ConfigError
from pawn_core.positions.sources.source import SourceConfig

MOST_BYTES = 1 << 20
"""Of a line; what is longer is no row of anything."""
_GZIP, _BZIP2, _ZSTD = b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd"


class _Lines(Protocol):
    def readline(self, size: int = ..., /) -> bytes: ...


class FileConfig(SourceConfig):
    """A file of positions or games."""

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"file"})

    file: Annotated[str, Field(description="plain, or compressed by gzip, bzip2 or zstd")]


class FileSource:
    """What is read from a file."""

    Config: ClassVar[type[SourceConfig]] = FileConfig
    ENDLESS: ClassVar[bool] = False

    def __init__(self, name: str, config: Any) -> None:
        """Look for the file.

        Raises:
            ConfigError: there is none.
        """
        self.config, self.path = config, Path(config.file)
        try:
            if not self.path.is_file():
                raise ConfigError(f"file {config.file!r} is not there, or no file")
            self._bytes = self.path.stat().st_size
        except OSError as error:
            raise ConfigError(f"file {config.file!r} cannot be read: {error}") from None

    @property
    def versions(self) -> dict[str, Any]:
        """What tells a file from others: its name and bytes."""
        return {"file": self.path.name, "bytes": self._bytes}

    def close(self) -> None:
        """Do nothing: no file stays open."""


def lines_of(path: Path) -> Iterator[str | None]:
    """Yield the lines of a file without their ends; None for one that is too long or no UTF-8.

    Raises:
        ConfigError: the file cannot be read or decompressed.
    """
    try:
        with _opened(path) as file:
            while line := file.readline(MOST_BYTES):
                if not line.endswith(b"\n") and len(line) == MOST_BYTES:
                    _skip_line(file)
                    yield None
                else:
                    yield _text(line)
    except (OSError, EOFError) as error:
        raise ConfigError(f"file {str(path)!r} cannot be read: {error}") from None


def _text(line: bytes) -> str | None:
    try:
        return line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        return None


def _skip_line(file: _Lines) -> None:
    while (line := file.readline(MOST_BYTES)) and not line.endswith(b"\n"):
        pass


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Lines]:
    with path.open("rb") as plain:
        head = plain.read(4)
        plain.seek(0)
        if head.startswith(_GZIP):
            with gzip.open(plain) as file:
                yield file
        elif head.startswith(_BZIP2):
            with bz2.open(plain) as file:
                yield file
        elif head == _ZSTD:
            with _zstd(path) as file:
                yield file
        else:
            yield plain


@contextlib.contextmanager
def _zstd(path: Path) -> Iterator[_Lines]:
    program = shutil.which("zstd")
    if program is None:
        raise ConfigError(f"file {str(path)!r} needs the program zstd (Debian: apt-get install)")
    command = [program, "--decompress", "--stdout", "--quiet", "--long=31", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
            said = process.stderr.read().decode(errors="replace").strip()
            if process.wait():
                raise OSError(said)
        finally:
            process.kill()
