"""Where trials run: the workspace's executor, and the change to another one."""

from typing import Any

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors import choice as choices
from pawn_lab.executors.choice import Choice
from pawn_lab.lab.workspace import Lab
from pawn_lab.reporting import cost
from pawn_lab.store import events, leases
from pawn_lab.store.failures import translated


def choose(lab: Lab, name: str | None, settings: dict[str, Any]) -> Choice:
    """Let trials run on another executor from now on, or on the same one with more settings.

    Settings that are not named stay as they are where the executor stays.

    Raises:
        InvalidRequestError: no such executor or setting, or trials hold devices of the present one.
        WorkspaceError: it cannot be recorded.
    """
    lab.create()
    lab.tick()
    price = _price(lab, name, settings)
    with translated(lab.paths.root), lab.database.write() as tx:
        before = choices.read(lab.paths)
        chosen = before.changed(name, settings)
        if chosen == before:
            return before
        if held := sorted(set(leases.held(tx).values())):
            numbers = ", ".join(map(str, held))
            raise InvalidRequestError(
                f"executor '{before.executor}' stays while trials hold its devices: {numbers}; "
                "wait for their end, or kill them"
            )
        devices = chosen.make().devices()
        choices.write(lab.paths, chosen)
        if price is not None:
            cost.set_rate(tx, price, len(devices), lab.launcher.caller)
        message = f"trials run on executor '{chosen.executor}' from now on"
        events.append_asked(
            tx, "executor", message, None, lab.launcher.caller, **chosen.model_dump(mode="json")
        )
    lab.tick()
    return chosen


def _price(lab: Lab, name: str | None, settings: dict[str, Any]) -> float | None:
    """Return what an hour of the devices costs from now on; None where it stays as it is.

    What the list of one executor says is no price of another's, which costs 0 until somebody says.

    Raises:
        InvalidRequestError: no such executor or setting, or its list cannot be had.
    """
    before = choices.read(lab.paths)
    chosen = before.changed(name, settings)
    price = chosen.make().cost_per_hour()
    was_listed = before.executor != chosen.executor and before.make().has_price_list
    return 0.0 if price is None and was_listed else price


def chosen(lab: Lab) -> Choice:
    """Return the executor on which trials run, as the workspace's file says."""
    return lab.choice or Choice()
