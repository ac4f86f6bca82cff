"""The checks: each a function in one tuple, all at once, none for longer than it may."""

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread

from pawn_lab.doctor import accounts, machine, workspace
from pawn_lab.doctor.diagnosis import Diagnosis, Patient, fail

Check = Callable[[Patient], Iterator[Diagnosis]]

CHECKS: tuple[Check, ...] = (
    *(machine.toolchain, machine.torch, machine.driver, machine.devices, machine.disk),
    *(workspace.workspace, workspace.database, workspace.executor, workspace.watch),
    *(workspace.ports, accounts.hub, accounts.hosts),
)
LIMIT_S = 120.0


def examine(
    patient: Patient, checks: tuple[Check, ...] = CHECKS, limit_s: float = LIMIT_S
) -> list[tuple[str, Diagnosis]]:
    """Return what the checks have found, each under its name, in their order.

    A check that fails is a finding; so is one that does not return: a driver may hang for ever.
    """
    answers = [_begun(check, patient) for check in checks]
    return [
        (check.__name__, finding)
        for check, answer in zip(checks, answers, strict=True)
        for finding in _within(answer, limit_s)
    ]


def _begun(check: Check, patient: Patient) -> SimpleQueue[list[Diagnosis]]:
    """Start a check; a thread that hangs does not keep the process."""
    answer: SimpleQueue[list[Diagnosis]] = SimpleQueue()
    Thread(target=lambda: answer.put(_findings(check, patient)), daemon=True).start()
    return answer


def _findings(check: Check, patient: Patient) -> list[Diagnosis]:
    try:
        return list(check(patient))
    except Exception as error:
        return [fail(f"the check itself failed: {error!r}", "report it, with this line")]


def _within(answer: SimpleQueue[list[Diagnosis]], limit_s: float) -> list[Diagnosis]:
    try:
        return answer.get(timeout=limit_s)
    except Empty:
        return [fail(f"no answer in {limit_s:.0f} s", "nvidia-smi; restart what hangs")]
