"""Where the contents of buckets lie on this machine; loads little, as every process may use it."""

import contextlib
import hashlib
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pawn_core.durable import replace_file

if TYPE_CHECKING:
    import pytest


class Blobs:
    """A store that many processes use at once, as one of the storage library's own cannot be.

    It stands where the client gets its session of that library.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, source: Path | bytes) -> tuple[str, int]:
        """Keep contents; return their hash and size."""
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        name = hashlib.sha256(data).hexdigest()
        if not (self._folder / name).exists():
            replace_file(self._folder / name, data)
        return name, len(data)

    def place(self, name: str, target: Path) -> None:
        """Write contents that are kept."""
        shutil.copyfile(self._folder / name, target)

    def serve(self, patch: "pytest.MonkeyPatch") -> None:
        """Be the storage of this process's client, and of Python processes that it starts."""
        patch.setattr("huggingface_hub.utils._xet.get_xet_session", lambda: self)
        place = self._folder.with_name("site")
        place.mkdir()
        code = f"""
            import sys
            sys.path.append({str(Path(__file__).parent)!r})
            from pathlib import Path
            from hf_blobs import Blobs
            import huggingface_hub.utils._xet as xet
            xet.get_xet_session = lambda: Blobs(Path({str(self._folder)!r}))
        """
        (place / "sitecustomize.py").write_text(textwrap.dedent(code))
        patch.setenv("PYTHONPATH", str(place))

    @contextlib.contextmanager
    def new_upload_commit(self, **_: Any) -> Iterator["Blobs"]:
        """Be what the client starts uploads with."""
        yield self

    new_file_download_group = new_upload_commit

    def start_upload_file(self, path: str, **_: Any) -> "Kept":
        """Keep a file."""
        return Kept(*self.keep(Path(path)))

    def start_upload_bytes(self, data: bytes, **_: Any) -> "Kept":
        """Keep bytes."""
        return Kept(*self.keep(data))

    def start_download_file(self, info: Any, target: str) -> None:
        """Write a file, in a folder that may be missing."""
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        self.place(info.hash, Path(target))


class Kept(NamedTuple):
    """What an upload comes to."""

    hash: str
    file_size: int

    def result(self) -> "Kept":
        """Return it as the client asks for it."""
        return self

    @property
    def xet_info(self) -> "Kept":
        """The same."""
        return self
