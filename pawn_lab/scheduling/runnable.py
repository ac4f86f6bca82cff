"""What this machine can run: a trial that it cannot is refused before it is queued."""

from collections.abc import Sequence
from dataclasses import replace

from pawn_core.config import RunConfig
from pawn_core.machine import Machine, refusals, warnings
from pawn_lab.errors import InvalidConfigError, InvalidRequestError
from pawn_lab.executors.executor import Device, Executor


def check_runnable(config: RunConfig, executor: Executor, devices: Sequence[Device]) -> list[str]:
    """Refuse a trial that the machine cannot run; return what will run worse than one may think.

    Raises:
        InvalidRequestError: it needs more devices than the machine has, or they are lost.
        InvalidConfigError: one line for each field.
    """
    return check_runs_on(executor.machine(devices), config, devices)


def check_runs_on(machine: Machine, config: RunConfig, devices: Sequence[Device]) -> list[str]:
    """Do the same where what trials see of the machine is known already."""
    if config.gpus > len(devices):
        raise InvalidRequestError(
            f"gpus {config.gpus} is not allowed: the machine has {len(devices)} device"
            + "s" * (len(devices) != 1)
        )
    seen = replace(machine, gpus=(machine.gpus or ())[: config.gpus])
    if reasons := refusals(config, seen):
        raise InvalidConfigError("\n".join(reasons))
    return warnings(config, seen) + _unused_gpu(config, devices)


def _unused_gpu(config: RunConfig, devices: Sequence[Device]) -> list[str]:
    if config.device != "cpu" or devices[0].kind == "cpu":
        return []
    return ["device 'cpu': the trial holds a GPU of this lab and does not use it"]
