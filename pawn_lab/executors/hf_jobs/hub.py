"""What is asked of the hub: jobs and their bucket, by the hub's own client."""

import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx2
from huggingface_hub import (
    BucketFile,
    HfApi,
    JobHardwareInfo,
    JobInfo,
    Volume,
    get_token,
)
from huggingface_hub.errors import HfHubHTTPError

from pawn_core.uploads.client import hub as logged_in
from pawn_core.uploads.errors import RefusedError
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.text import clean_line, mask_secrets, shorten

LABEL = "pawn-lab"
"""The label of a job; its value is the token of the attempt."""
MOUNT = "/pawn"
_LIVE = ("SCHEDULING", "RUNNING")
_SILENCE_S = 10.0
"""How long the hub may be silent: some calls are made while the database is locked."""
_MOST_CHARACTERS = 300


class HubError(Exception):
    """The hub did not answer, or not as it should: nothing follows from that."""


class HubRefusedError(HubError):
    """The hub answered that it does not do it, so it has not been done."""


class CloudJob(NamedTuple):
    """A job as the hub tells of it."""

    id: str
    stage: str
    message: str | None = None

    @property
    def lives(self) -> bool:
        """Whether it waits or runs, so that it is or will be billed."""
        return self.stage in _LIVE

    def describe(self) -> str:
        """Say how it is."""
        told = f": {clean_line(self.message)}" if self.message else ""
        return f"job {self.id} is {self.stage}{told}"


class Hub:
    """The jobs and the bucket of one namespace."""

    def __init__(self, settings: HfJobsSettings) -> None:
        self._settings = settings

    @functools.cached_property
    def _api(self) -> HfApi:
        return logged_in(_SILENCE_S)

    def submit(
        self,
        token: str,
        trial_id: int,
        command: list[str],
        timeout_s: float,
        environment: Mapping[str, str],
    ) -> CloudJob:
        """Start a job that sees the files of its attempt at `MOUNT`, with our token as a secret."""
        settings = self._settings
        with _answers():
            files = Volume(
                type="bucket", source=settings.bucket_id, mount_path=MOUNT, path=folder_of(token)
            )
            info = self._api.run_job(
                image=settings.image.format(python=python_version()),
                command=command,
                env=dict(environment),
                secrets={"HF_TOKEN": get_token()},
                flavor=settings.flavor,
                timeout=round(timeout_s),
                attempts=1,  # a second one would train from the start, over the files of the first
                labels={LABEL: token, "name": f"pawn-trial-{trial_id}"},
                volumes=[files],
                namespace=settings.namespace,
            )
            return _job(info)

    def inspect(self, job_id: str) -> CloudJob | None:
        """Return a job; None where the hub has none of that number."""
        with _answers():
            try:
                info = self._api.inspect_job(job_id=job_id, namespace=self._settings.namespace)
            except HfHubHTTPError as error:
                if error.response.status_code == httpx2.codes.NOT_FOUND:
                    return None
                raise
            return _job(info)

    def find(self, token: str) -> list[CloudJob]:
        """Return the jobs of an attempt by their label, the first one first."""
        with _answers():
            self._api.list_jobs_hardware()  # fails at once, where a list is tried for a minute
            namespace, labels = self._settings.namespace, {LABEL: token}
            infos = self._api.list_jobs(labels=labels, namespace=namespace, timeout=_SILENCE_S)  # pyrefly: ignore
            ours = [info for info in infos if (info.labels or {}).get(LABEL) == token]
            return [_job(info) for info in sorted(ours, key=lambda info: str(info.created_at))]

    def cancel(self, job_id: str) -> None:
        """End a job at once."""
        with _answers():
            self._api.cancel_job(job_id=job_id, namespace=self._settings.namespace)

    def hardware(self) -> JobHardwareInfo:
        """Return what the flavor is, and costs.

        Raises:
            HubRefusedError: there is none of that name; lists those with one GPU or none.
        """
        with _answers():
            machines = {machine.name: machine for machine in self._api.list_jobs_hardware()}
        if self._settings.flavor not in machines:
            names = ", ".join(sorted(filter(_has_one_device, machines), key=str))
            raise HubRefusedError(f"flavor '{self._settings.flavor}' is unknown; one of: {names}")
        return machines[self._settings.flavor]

    def open_bucket(self) -> None:
        """Make the bucket where there is none: private."""
        with _answers():
            self._api.create_bucket(self._settings.bucket_id, private=True, exist_ok=True)

    def give(self, token: str, files: Sequence[tuple[Path | bytes, str]]) -> None:
        """Put files into an attempt's folder of the bucket."""
        add: list[tuple[str | Path | bytes, str]] = [
            (source, f"{folder_of(token)}/{name}") for source, name in files
        ]
        with _answers():
            self._api.batch_bucket_files(self._settings.bucket_id, add=add)

    def files(self, token: str, folder: str) -> dict[str, BucketFile]:
        """Return the files in a folder of an attempt, by their paths in it."""
        prefix = f"{folder_of(token)}/{folder}"
        with _answers():
            entries = self._api.list_bucket_tree(
                self._settings.bucket_id, prefix=prefix, recursive=True
            )
            files = [entry for entry in entries if isinstance(entry, BucketFile)]
            return {file.path.removeprefix(f"{prefix}/"): file for file in files}

    def fetch(self, files: Sequence[tuple[BucketFile, Path]]) -> None:
        """Bring files of the bucket here."""
        with _answers():
            self._api.download_bucket_files(self._settings.bucket_id, list(files))


def folder_of(token: str) -> str:
    """Return the folder of an attempt in the bucket."""
    return f"jobs/{token}"


def python_version() -> str:
    """Return the version of this Python as images and uv name it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def hourly_cost(machine: JobHardwareInfo) -> float:
    """Return what an hour of a machine costs in USD.

    Raises:
        HubError: the price is for an unknown unit of time.
    """
    hours = {"second": 1 / 3600, "minute": 1 / 60, "hour": 1.0}
    if machine.unit_label not in hours:
        raise HubError(f"flavor '{machine.name}' is priced by the {machine.unit_label}")
    return machine.unit_cost_usd / hours[machine.unit_label]


def _has_one_device(flavor: str) -> bool:
    try:
        HfJobsSettings(flavor=flavor, namespace="any")
    except ValueError:
        return False
    return True


def _job(info: JobInfo) -> CloudJob:
    return CloudJob(
        info.id, str(getattr(info.status.stage, "value", info.status.stage)), info.status.message
    )


@contextlib.contextmanager
def _answers() -> Iterator[None]:
    """Tell whatever the client raises as ours, without a secret."""
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        is_refusal = 400 <= status < 500 and status != httpx2.codes.REQUEST_TIMEOUT
        kind = HubRefusedError if is_refusal else HubError
        raise kind(_said(f"{status} {error.server_message or error}")) from None
    except (
        RefusedError,
        httpx2.HTTPError,
        OSError,
        RuntimeError,
        LookupError,
        ValueError,
    ) as error:
        raise HubError(_said(str(error) or type(error).__name__)) from None


def _said(message: str) -> str:
    return f"the hub: {shorten(clean_line(mask_secrets(message)), _MOST_CHARACTERS)}"
