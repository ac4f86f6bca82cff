"""Learning-rate schedules: the multiple of the peak learning rate at each step.

Step s counts from 0; the rate of step s is used for the (s + 1)-th update. Every schedule warms up
linearly over `warmup_steps` (the first update already moves), and ends at `min_lr_ratio`.
"""

import math
from collections.abc import Callable

from pawn_core.config.schedule import ScheduleConfig

Schedule = Callable[[int], float]

ONE_CYCLE_START_RATIO = 1 / 25
"""Where one_cycle's warm-up begins, as in Smith & Topin, 2018 (arXiv 1708.07120)."""


def build_schedule(config: ScheduleConfig) -> Schedule:
    """Return the config's schedule as a function of the step."""
    return SCHEDULES[config.lr_schedule](config)


def cosine(config: ScheduleConfig) -> Schedule:
    """Half a cosine from the peak to the minimum (Loshchilov & Hutter, 2017, arXiv 1608.03983)."""
    warmup, floor = _warmup(config), config.min_lr_ratio
    span = max(1, config.total_steps - warmup)
    return lambda step: _ramp(step, warmup) or _half_cosine((step - warmup) / span, 1.0, floor)


def wsd(config: ScheduleConfig) -> Schedule:
    """Warm up, stay, then decay linearly over the last `decay_steps` (Hu et al., 2024)."""
    warmup, decay, total = _warmup(config), config.decay_steps or 1, config.total_steps
    floor = config.min_lr_ratio

    def ratio(step: int) -> float:
        left = min(1.0, (total - step) / decay)
        return _ramp(step, warmup) or floor + (1.0 - floor) * left

    return ratio


def constant(config: ScheduleConfig) -> Schedule:
    """Stay at the peak after warm-up; `min_lr_ratio` does not apply."""
    warmup = _warmup(config)
    return lambda step: _ramp(step, warmup) or 1.0


def one_cycle(config: ScheduleConfig) -> Schedule:
    """Rise on half a cosine from 1/25 of the peak over the warm-up, then fall on another."""
    warmup, floor = _warmup(config), config.min_lr_ratio
    span = max(1, config.total_steps - warmup)

    def ratio(step: int) -> float:
        if step < warmup:
            return _half_cosine(step / warmup, ONE_CYCLE_START_RATIO, 1.0)
        return _half_cosine((step - warmup) / span, 1.0, floor)

    return ratio


def infinite(config: ScheduleConfig) -> Schedule:
    """Warm up, cool down on a cosine to a plateau, stay, anneal linearly at the end.

    The plateau can be prolonged by resuming with more total steps (after Ibrahim et al., 2024,
    arXiv 2403.08763).
    """
    warmup, total = _warmup(config), config.total_steps
    cooldown, decay = config.cooldown_steps or 1, config.decay_steps or 1
    plateau, floor = config.constant_lr_ratio or 0.0, config.min_lr_ratio

    def ratio(step: int) -> float:
        if step < warmup + cooldown:
            progress = (step - warmup) / cooldown
            return _ramp(step, warmup) or _half_cosine(progress, 1.0, plateau)
        return floor + (plateau - floor) * min(1.0, (total - step) / decay)

    return ratio


SCHEDULES: dict[str, Callable[[ScheduleConfig], Schedule]] = {
    "cosine": cosine,
    "wsd": wsd,
    "constant": constant,
    "one_cycle": one_cycle,
    "infinite": infinite,
}


def _warmup(config: ScheduleConfig) -> int:
    return config.warmup_steps or 0


def _ramp(step: int, warmup: int) -> float:
    """Return the warm-up's ratio, or 0 once it is over."""
    return (step + 1) / warmup if step < warmup else 0.0


def _half_cosine(progress: float, start: float, end: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
