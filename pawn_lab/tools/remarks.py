"""What is said beside an answer: what has no effect, what a continuation takes over."""

import json
from collections.abc import Iterable

from pawn_lab.configs import StoredConfig
from pawn_lab.lab import Lab
from pawn_lab.records import Resumed, Trial, TrialResult
from pawn_lab.trials import inheritance


def no_effect(lab: Lab, config: StoredConfig, silent: frozenset[str] = frozenset()) -> list[str]:
    """Name the fields that a config sets to no effect, but for `silent` ones."""
    reasons = config.no_effect(lab.on_gpu(config))
    remarks = {field: why for field, why in reasons.items() if field.split(".")[-1] not in silent}
    return [f"{field} has no effect: {why}" for field, why in remarks.items()]


def settings_without_effect(lab: Lab, configs: Iterable[tuple[int, StoredConfig]]) -> list[str]:
    """Name the settings that trials, by number, were given to no effect; nothing incidental."""
    remarks = [(n, no_effect(lab, config, config.kind.incidental)) for n, config in configs]
    return _numbered("trial", remarks)


def strangers(trials: Iterable[Trial | TrialResult]) -> list[str]:
    """Say of which trials the config is not one of this version, and why."""
    reasons = ((trial.id, trial.config.strangeness) for trial in trials)
    return [f"{trial_id}: {why}; taken as it is written" for trial_id, why in reasons if why]


def points_without_effect(lab: Lab, configs: Iterable[StoredConfig]) -> list[str]:
    """Name the fields that points of a sweep set to no effect."""
    return _numbered("point", [(n, no_effect(lab, config)) for n, config in enumerate(configs)])


def _numbered(what: str, remarks: Iterable[tuple[int, list[str]]]) -> list[str]:
    numbers: dict[str, set[int]] = {}
    for number, of_one in remarks:
        for remark in of_one:
            numbers.setdefault(remark, set()).add(number)
    return [
        f"{what}{'s' * (len(which) > 1)} {', '.join(map(str, sorted(which)))}: {remark}"
        for remark, which in numbers.items()
    ]


def inherited(lab: Lab, parent_id: int, resumed: Resumed) -> list[str]:
    """Say what a continuation takes over that costs or has gone stale, and how to change it."""
    parent, config, step = resumed.parent, resumed.config, resumed.from_step
    costs = inheritance.costs(parent, config, lab.has_gpu, step)
    stale = inheritance.stale(parent, config)
    remarks = inheritance.rate_changes(parent, config, step)
    remarks += [f"{c.field} {json.dumps(config[c.field])} inherited: {c.why}" for c in costs]
    remarks += [f"{name} {why}" for name, why in stale.items()]
    if resumed.without:
        remarks.append(f"not inherited: {', '.join(resumed.without)}")
    if changes := {cost.field: cost.instead for cost in costs} | dict.fromkeys(stale):
        first = f"lab_kill({resumed.trial.id}), then " if resumed.trial else ""
        call = f"lab_resume({parent_id}, overrides={json.dumps(changes)})"
        remarks.append(f"to change it: {first}{call}")
    return remarks
