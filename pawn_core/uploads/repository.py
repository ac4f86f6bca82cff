"""A branch of a Hugging Face model repository: one commit for each checkpoint."""

import hashlib
import secrets
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.hf_api import RepoFile

from pawn_core.uploads.client import hub
from pawn_core.uploads.errors import NotArrivedError
from pawn_core.uploads.package import Package


class Repository:
    """`owner/name@branch`. The repository is made private where there is none."""

    def __init__(self, where: str) -> None:
        self._repository, _, self._branch = where.partition("@")
        self._api: HfApi | None = None

    def open(self) -> None:
        """Make the repository and the branch where they are missing."""
        if self._api is not None:
            return
        api = hub()
        api.create_repo(self._repository, private=True, exist_ok=True)
        api.auth_check(self._repository, write=True)
        api.create_branch(self._repository, branch=self._branch, exist_ok=True)
        self._api = api

    def try_to_write(self) -> None:
        """Commit a tiny file to a branch that is then deleted: the run's own has no trace of it."""
        assert self._api, "opened before"
        branch = f"preflight-{secrets.token_hex(8)}"
        self._api.create_branch(self._repository, branch=branch)
        try:
            self._api.create_commit(
                self._repository,
                [CommitOperationAdd(f"{branch}.txt", b"may be deleted\n")],
                commit_message="preflight",
                revision=branch,
            )
        finally:
            self._api.delete_branch(self._repository, branch=branch)

    def upload(self, package: Package) -> str:
        """Commit a package in one piece; the commit that has it is returned."""
        assert self._api, "opened before"
        if not self._lacks(package, self._branch):  # an earlier try, whose answer was lost
            head = self._api.model_info(self._repository, revision=self._branch).sha
            assert head is not None
            return head
        commit = self._api.create_commit(
            self._repository,
            [CommitOperationAdd(path, contents) for path, contents in package.files.items()],
            commit_message=package.checkpoint.name,
            revision=self._branch,
        )
        if lacking := self._lacks(package, commit.oid):
            raise NotArrivedError(f"commit {commit.oid[:12]} has another {', '.join(lacking)}")
        return commit.oid

    def _lacks(self, package: Package, revision: str) -> list[str]:
        """Return the files of the checkpoint that a revision lacks, or has differently."""
        assert self._api, "opened before"
        paths = list(package.sha256)
        there = {
            info.path: info
            for info in self._api.get_paths_info(self._repository, paths, revision=revision)
            if isinstance(info, RepoFile)
        }
        return [
            path
            for path, sha256 in package.sha256.items()
            if path not in there or not _is(there[path], package.checkpoint_file(path), sha256)
        ]


def _is(info: RepoFile, file: Path, sha256: str) -> bool:
    """Compare by SHA-256, or by git's own hash for a file that is not in large-file storage."""
    if info.lfs is not None:
        return info.lfs.sha256 == sha256
    data = file.read_bytes()
    return info.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
