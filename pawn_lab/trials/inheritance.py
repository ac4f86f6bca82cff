"""What a continuation takes over from its parent, and what a change of its config does to it."""

from pawn_core.config import RunConfig
from pawn_core.config.costs import Cost
from pawn_core.config.schedule import ScheduleConfig
from pawn_core.training.schedules import build_schedule
from pawn_lab.configs import StoredConfig, differing

JUMP = 1.05
"""A learning rate that changes by less than this factor goes on as it was."""

_SCHEDULE = (
    *("lr", "lr_schedule", "total_steps", "warmup_steps", "min_lr_ratio"),
    *("decay_steps", "cooldown_steps", "constant_lr_ratio"),
)


def costs(
    parent: StoredConfig, config: StoredConfig, machine_has_gpu: bool, step: int
) -> list[Cost]:
    """Return what a continuation pays for because its parent did."""
    of_run = config.parsed.costs(machine_has_gpu, step) if config.parsed else []
    return [cost for cost in of_run if parent.get(cost.field) == config[cost.field]]


def stale(parent: StoredConfig, config: StoredConfig) -> dict[str, str]:
    """Return the values that followed from a field which was changed without them."""
    before, now = parent.parsed, config.parsed
    if before is None or now is None:
        return {}
    return {
        name: f"stays {value} as it followed then; now {now.follows().get(name)} would follow"
        for name, value in before.follows().items()
        if parent.get(name) == value == config[name] != now.follows().get(name)
    }


def rate_changes(parent: StoredConfig, config: StoredConfig, step: int) -> list[str]:
    """Say where the learning rate goes on at another value than the parent's schedule has there."""
    before, now = parent.fitted, config.on_games_of(parent).fitted
    if before is None or now is None:
        return []
    pairs = differing(parent, config)
    changed = [f"{n} {pairs[n][0]} -> {pairs[n][1]}" for n in _SCHEDULE if n in pairs]
    old, new = before.members(), now.members()
    return [
        f"{f'{name}: ' if name else ''}{jump} ({', '.join(changed)})"
        for name in old.keys() & new.keys()
        if (jump := _jump(old[name], new[name], step))
    ]


def _jump(before: RunConfig, now: RunConfig, step: int) -> str | None:
    if not (isinstance(before, ScheduleConfig) and isinstance(now, ScheduleConfig)):
        return None
    old, new = build_schedule(before), build_schedule(now)
    expected, actual = before.lr * old(step), now.lr * new(step)
    if max(expected, actual) <= JUMP * min(expected, actual):
        return None
    last = before.lr * old(max(0, step - 1))
    return f"the learning rate was {last:.3g} and goes on at {actual:.3g} from step {step}"
