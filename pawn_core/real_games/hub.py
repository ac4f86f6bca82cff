"""Games in a data set on the Hugging Face hub, at one commit, fetched file by file as needed."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import tqdm

from pawn_core.config import ConfigError
from pawn_core.config.real_games import is_hub_id
from pawn_core.real_games.progress import Seldom
from pawn_core.real_games.sources import GameFile, Splits, by_split, game_files

_UNREACHABLE = (HfHubHTTPError, httpx2.HTTPError, OfflineModeIsEnabled, LocalEntryNotFoundError)
_KIND = "dataset"
_CARD = "README.md"
"""Fetched to learn of which commit a name is; files of games are fetched when they are read."""
_SHARD = re.compile(r"-\d+-of-(\d+)\b")


@dataclass(frozen=True)
class HubSource:
    """A data set at a commit."""

    repository: str
    revision: str
    snapshot: Path
    """Where the files of that commit are on this machine."""
    say: Callable[[str], None]
    """Told how far a download is."""

    @property
    def facts(self) -> dict[str, Any]:
        """Return repository and commit."""
        return {"dataset": self.repository, "revision": self.revision}

    def splits(self) -> Splits:
        """Return the data set's files by split; each is fetched when its turn comes."""
        names = game_files(self.repository, self._listed())
        return by_split([GameFile(name, partial(self._fetch, name)) for name in names])

    def _listed(self) -> list[str]:
        """Return the names of all files; where the hub cannot be reached, of those that are here.

        Raises:
            ConfigError: names of shards tell that some are not here.
        """
        try:
            return HfApi().list_repo_files(self.repository, repo_type=_KIND, revision=self.revision)
        except _UNREACHABLE as error:
            names = [str(p.relative_to(self.snapshot)) for p in self.snapshot.rglob("*")]
            if not _is_whole(names):
                raise ConfigError(
                    f"pgn {self.repository!r}: the hub cannot be reached, and only some of its "
                    f"shards are in the cache: {error}"
                ) from None
            return names

    def _fetch(self, name: str) -> Path:
        try:
            path = hf_hub_download(
                self.repository,
                name,
                repo_type=_KIND,
                revision=self.revision,
                tqdm_class=_spoken(name, self.say),
            )
        except (*_UNREACHABLE, OSError) as error:
            raise ConfigError(
                f"pgn {self.repository!r}: {name} cannot be downloaded: {error}"
            ) from None
        return Path(path)


def _spoken(name: str, say: Callable[[str], None]) -> type[tqdm]:
    """Return a progress bar that is not drawn but said every few seconds."""
    seldom = Seldom(say)

    class Spoken(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options | {"disable": True})
            self._bytes = options.get("initial") or 0

        def update(self, n: float | None = 1) -> None:
            self._bytes += n or 0
            seldom.say(f"real games: {self._bytes / 1e6:,.0f} MB of {name} downloaded")

    return Spoken


def hub_source(named: str, say: Callable[[str], None]) -> HubSource:
    """Return the data set `owner/name` or `owner/name@revision`, pinned to its present commit.

    Where the hub cannot be reached, to the one that was fetched last.

    Raises:
        ConfigError: the form is another, or there is no such data set or revision.
    """
    if not is_hub_id(named):
        raise ConfigError(
            f"pgn {named!r} is not there; allowed: a PGN file, plain or compressed, a parquet "
            "shard, a folder of either, or a data set on the hub ('owner/name', "
            "'owner/name@revision')"
        )
    repository, _, revision = named.partition("@")
    try:
        snapshot = _snapshot(repository, revision or None)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise ConfigError(
            f"pgn {named!r} is no file or folder here, and the hub has no such data set, or this "
            f"account may not read it ({type(error).__name__})"
        ) from None
    except _UNREACHABLE as error:
        raise ConfigError(
            f"pgn {named!r} is no file or folder here; as a data set it is not in the cache, and "
            f"the hub cannot be reached: {error}"
        ) from None
    return HubSource(repository, snapshot.name, snapshot, say)


def _snapshot(repository: str, revision: str | None) -> Path:
    """Return the folder of a revision's commit; the one fetched last, if the hub does not answer.

    Raises:
        What huggingface_hub does.
    """
    wanted = {"repo_type": _KIND, "revision": revision, "allow_patterns": _CARD}
    try:
        return Path(snapshot_download(repository, **wanted))
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise
    except _UNREACHABLE:
        return Path(snapshot_download(repository, local_files_only=True, **wanted))


def _is_whole(names: Iterable[str]) -> bool:
    """Whether no series of shards, `NAME-00000-of-00003`, lacks one as far as its names tell."""
    series: dict[tuple[str, int], int] = {}
    for name in names:
        match = _SHARD.search(name)
        if match is not None:
            shards = name[: match.start()], int(match[1])
            series[shards] = series.get(shards, 0) + 1
    return all(count == of for (_, of), count in series.items())
