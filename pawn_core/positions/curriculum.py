"""Which domains the samples of a run are drawn from: stages, each with a weight for each domain."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from pawn_core.config import ConfigError
from pawn_core.config.errors import shown
from pawn_core.config.position_data import DOMAINS


class MixtureStage(NamedTuple):
    """Samples from one on, up to the next stage; the last has no end."""

    first_sample: int
    """Counted from 0 over all steps: step s of batches of b begins with sample s * b."""
    weights: dict[str, float]
    """Share of each domain; they sum to 1."""


class Curriculum(NamedTuple):
    """The stages of a run."""

    stages: list[MixtureStage]
    """By rising sample, the first from 0 on."""
    notices: list[str]
    """What was left out of what was asked for, and where its share went."""


def mixture_stages(
    weights_by_step: Mapping[int, Mapping[str, float]],
    batch_size: int,
    available: Collection[str],
) -> Curriculum:
    """Return stages that mix domains, by the weights from each of some steps on.

    Args:
        available: domains that have positions; the shares of others go to these, and it is said.

    Raises:
        ConfigError: none begins at step 0, or one has a weight for no domain that has positions.
    """
    if 0 not in weights_by_step:
        first = shown(min(weights_by_step, default=None))
        raise ConfigError(f"the first stage begins at step {first}; allowed: 0")
    stages, notices = [], []
    for first_step, weights in sorted(weights_by_step.items()):
        shares, notice = _shares(weights, available)
        stages.append(MixtureStage(first_step * batch_size, shares))
        notices += [f"from step {first_step} on: {notice}"] if notice else []
    return Curriculum(stages, notices)


def sequential_stages(
    weights: Mapping[str, float], total_steps: int, batch_size: int, available: Collection[str]
) -> Curriculum:
    """Return a stage for each domain, in the order of DOMAINS, its share of the steps long.

    Shares are rounded to steps; the last stage has what remains, and no end: a run that is made
    longer stays in it.

    Raises:
        ConfigError: no domain that has a weight has positions.
    """
    ordered = {domain: weights[domain] for domain in DOMAINS if domain in weights}
    shares, notice = _shares(ordered, available)
    stages, notices, first_step = [], [notice] if notice else [], 0
    for domain, share in shares.items():
        left = total_steps - first_step
        steps = left if domain == [*shares][-1] else min(round(share * total_steps), left)
        if steps:
            stages.append(MixtureStage(first_step * batch_size, {domain: 1.0}))
        else:
            notices.append(f"{domain} gets no step: its share of {total_steps} is {share:.3g}")
        first_step += steps
    return Curriculum(stages, notices)


def _shares(
    weights: Mapping[str, float], available: Collection[str]
) -> tuple[dict[str, float], str]:
    """Return the shares of the domains that have positions, which sum to 1, and what was left out.

    The sum is rounded as people write weights: an error in its last bit can move a stage by a step.
    """
    weights = {domain: weight for domain, weight in weights.items() if weight > 0.0}
    absent = [domain for domain in weights if domain not in available]
    kept = {domain: weight for domain, weight in weights.items() if domain in available}
    if not kept:
        raise ConfigError(
            f"no domain with a weight ({', '.join(weights) or 'there is none'}) has positions; "
            f"domains that have: {', '.join(sorted(available)) or 'none'}"
        )
    total = round(sum(kept.values()), 12)
    shares = {domain: weight / total for domain, weight in kept.items()}
    if not absent:
        return shares, ""
    shown_shares = ", ".join(f"{domain} {share:.4g}" for domain, share in shares.items())
    return shares, f"no positions of {', '.join(absent)}; shares of the others: {shown_shares}"
