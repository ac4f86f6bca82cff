"""Checks of what lies outside: the login at the hub, and the agents that the lab was put into."""

import tomllib
from collections.abc import Iterator

from pawn_lab.doctor.diagnosis import Diagnosis, Patient, fail, ok, warn
from pawn_lab.doctor.programs import python
from pawn_lab.errors import LabError
from pawn_lab.hosts import HOSTS, Host, Place, install, remove
from pawn_lab.hosts.codex import TRUST, hooks_file, trust_digests

HUB_LIMIT_S = 20.0
_LOG_IN = "hf auth login, or HF_TOKEN; without it train with local_checkpoints"
_ASK_HUB = """
from huggingface_hub import get_token, whoami
from huggingface_hub.errors import HfHubHTTPError
if get_token() is None:
    raise SystemExit(3)
try:
    print(whoami()["name"])
except HfHubHTTPError as error:
    raise SystemExit(4 if error.response.status_code in (401, 403) else 5)
"""


def hub(_: Patient) -> Iterator[Diagnosis]:
    """Whether uploads have a login that the hub knows."""
    ran = python(_ASK_HUB, HUB_LIMIT_S)
    if ran.code == 0:
        yield ok(f"logged in at the hub as {ran.out.strip()}")
    elif ran.code == 3:
        yield warn("no login at the hub: nothing can be uploaded", _LOG_IN)
    elif ran.code == 4:
        yield fail("the hub does not know the token", _LOG_IN)
    else:
        reason = f"no answer in {HUB_LIMIT_S:.0f} s" if ran.code is None else ran.last_line()
        yield warn(f"the hub cannot be reached: {reason}", "look at the network, then again")


def hosts(patient: Patient) -> Iterator[Diagnosis]:
    """Which agents have the lab, whether as it is now, and whether Codex runs its hooks."""
    found = list(_installed(patient))
    for host, place in found:
        yield _current(host, place)
    for _, place in (pair for pair in found if pair[0].name == "codex"):
        yield from untrusted(place)
    if not found:
        yield warn("no agent here has the lab", "pawn-lab install --host NAME --dry-run")


def _installed(patient: Patient) -> Iterator[tuple[Host, Place]]:
    for scope in ("project", "user"):
        place = Place(scope, patient.folder, patient.home, patient.environment)
        for host in HOSTS:
            if any(not change.whole for change in _tolerant(host, place)):
                yield host, place


def _tolerant(host: Host, place: Place) -> list:
    """Return what taking the lab out would change; nothing where a file cannot be read."""
    try:
        return remove(host, place)
    except LabError:
        return []


def _current(host: Host, place: Place) -> Diagnosis:
    command = f"pawn-lab install --host {host.name} --scope {place.scope}"
    try:
        outdated = install(host, place)
    except LabError as error:
        return warn(f"{host.title}, {place.scope}: {error}", command)
    if outdated:
        return warn(f"{host.title}, {place.scope}: has another version of the lab", command)
    return ok(f"{host.title}, {place.scope}: has the lab")


def untrusted(place: Place) -> Iterator[Diagnosis]:
    """Yield that hooks of ours wait for a person's trust: Codex skips them without a word.

    It keeps what it trusts in the configuration of the user, by file, event and place.
    """
    file, config = hooks_file(place), hooks_file(_of_user(place)).with_name("config.toml")
    try:
        document = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    if document.get("features", {}).get("hooks") is False:
        yield warn("Codex runs no hooks at all: features.hooks is false", f"edit {config}")
        return
    states = document.get("hooks", {}).get("state", {})
    if any(not _runs(states.get(key), digest) for key, digest in trust_digests(file).items()):
        yield warn(f"Codex has not been told to trust the hooks in {file} as they are", TRUST)


def _of_user(place: Place) -> Place:
    return Place("user", place.folder, place.home, place.environment)


def _runs(state: object, digest: str) -> bool:
    return (
        isinstance(state, dict)
        and state.get("trusted_hash") == digest
        and state.get("enabled") is not False
    )
