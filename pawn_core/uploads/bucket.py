"""A folder of a Hugging Face bucket. Buckets have no commits: manifests follow their files."""

import secrets
from collections.abc import Set
from pathlib import Path

from hf_xet import hash_files  # pyrefly: ignore[missing-module-attribute]
from huggingface_hub import HfApi

from pawn_core.run_paths import SENTINEL
from pawn_core.uploads.client import hub
from pawn_core.uploads.errors import NotArrivedError
from pawn_core.uploads.package import Package


class Bucket:
    """`hf://buckets/owner/name/folder`. The bucket is made private where there is none."""

    def __init__(self, where: str) -> None:
        owner, name, self._folder = where.removeprefix("hf://buckets/").split("/", 2)
        self._bucket = f"{owner}/{name}"
        self._api: HfApi | None = None

    def open(self) -> None:
        """Make the bucket where it is missing."""
        if self._api is not None:
            return
        api = hub()
        api.create_bucket(self._bucket, private=True, exist_ok=True)
        self._api = api

    def try_to_write(self) -> None:
        """Send a tiny file, and delete it."""
        assert self._api, "opened before"
        path = self._at(f"preflight-{secrets.token_hex(8)}.txt")
        self._api.batch_bucket_files(self._bucket, add=[(b"may be deleted\n", path)])
        self._api.batch_bucket_files(self._bucket, delete=[path])

    def upload(self, package: Package) -> None:
        """Send the files, compare their hashes, and only then send each `.complete`."""
        manifests = {path for path in package.files if path.endswith(SENTINEL)}
        self._bring(package, package.files.keys() - manifests)
        self._bring(package, manifests)

    def _bring(self, package: Package, paths: Set[str]) -> None:
        """Send files of a package, unless those of its checkpoint are there already."""
        assert self._api, "opened before"
        own = {path: package.checkpoint_file(path) for path in paths & package.sha256.keys()}
        if not self._lacks(own):
            return
        add: list[tuple[str | Path | bytes, str]] = [
            (package.files[path], self._at(path)) for path in sorted(paths)
        ]
        self._api.batch_bucket_files(self._bucket, add=add)
        if lacking := self._lacks(own):
            raise NotArrivedError(f"the bucket has another {', '.join(lacking)}")

    def _lacks(self, files: dict[str, Path]) -> list[str]:
        """Return the files that the bucket lacks, or has differently."""
        assert self._api, "opened before"
        entries = self._api.get_bucket_paths_info(self._bucket, [self._at(path) for path in files])
        there = {info.path: info.xet_hash for info in entries}
        hashes = hash_files([str(file) for file in files.values()])
        expected = zip(files, hashes, strict=True)
        return [path for path, own in expected if there.get(self._at(path)) != own.hash]

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}"
