"""How steps are shared out among domains."""

from itertools import pairwise

import pytest

from pawn_core.config import ConfigError
from pawn_core.config.position_data import DOMAIN_WEIGHTS
from pawn_core.positions import mixture_stages, sequential_stages
from pawn_core.positions.domains import domain_of


def steps_of(weights: dict[str, float], total_steps: int, available) -> dict[str, int]:
    """The steps of each domain in its stage."""
    stages, _ = sequential_stages(weights, total_steps, 96, available)
    firsts = [stage.first_sample // 96 for stage in stages] + [total_steps]
    names = [name for stage in stages for name in stage.weights]
    return dict(zip(names, (b - a for a, b in pairwise(firsts)), strict=True))


def test_a_hundred_thousand_steps_of_all_domains_are_shared_out_as_in_the_seed() -> None:
    assert steps_of(DOMAIN_WEIGHTS, 100_000, DOMAIN_WEIGHTS) == {
        "teacher": 40_000,
        "openings": 12_000,
        "king_safety": 8_000,
        "weaknesses": 8_000,
        "positional": 8_000,
        "endgames": 12_000,
        "tactical": 12_000,
    }


def test_shares_of_absent_domains_go_to_the_others_and_the_last_has_what_remains() -> None:
    weights = {"tactical": 0.1, "endgames": 0.22, "openings": 0.22, "weaknesses": 0.12}
    available = {"openings", "weaknesses", "endgames"}
    steps = steps_of(weights, 100_000, available)
    assert list(steps.values()) == [39_286, 21_429, 39_285]
    _, notices = sequential_stages(weights, 100_000, 96, available)
    assert notices == [
        "no positions of tactical; shares of the others: openings 0.3929, weaknesses 0.2143, "
        "endgames 0.3929"
    ]


@pytest.mark.parametrize("total_steps", range(1, 12))
def test_a_run_of_few_steps_leaves_domains_out_and_says_so(total_steps: int) -> None:
    stages, notices = sequential_stages(DOMAIN_WEIGHTS, total_steps, 8, DOMAIN_WEIGHTS)
    assert sum(steps_of(DOMAIN_WEIGHTS, total_steps, DOMAIN_WEIGHTS).values()) == total_steps
    assert len(stages) + len(notices) == 7
    assert all("gets no step" in notice for notice in notices)


def test_each_stage_of_a_mixture_has_its_shares_from_its_step_on() -> None:
    stages, notices = mixture_stages(
        {50: {"openings": 3.0, "teacher": 1.0}, 0: {"openings": 1.0, "tactical": 1.0}},
        batch_size=4,
        available={"openings", "teacher"},
    )
    assert stages == [(0, {"openings": 1.0}), (200, {"openings": 0.75, "teacher": 0.25})]
    assert notices == ["from step 0 on: no positions of tactical; shares of the others: openings 1"]


def test_a_curriculum_without_positions_is_refused_with_what_there_is() -> None:
    message = r"no domain with a weight \(tactical\) has positions; domains that have: external"
    with pytest.raises(ConfigError, match=message):
        sequential_stages({"tactical": 1.0, "external": 0.0}, 100, 96, {"external"})
    with pytest.raises(ConfigError, match="there is none"):
        mixture_stages({0: {}}, 96, {"external"})


def test_a_mixture_that_does_not_begin_at_the_first_step_is_refused() -> None:
    with pytest.raises(ConfigError, match="the first stage begins at step 10; allowed: 0"):
        mixture_stages({10: {"external": 1.0}}, 96, {"external"})


@pytest.mark.parametrize(
    ("source", "domain"),
    [
        ("stockfish:openings", "openings"),
        ("stockfish:endgames/krk", "endgames"),
        ("teacher", "teacher"),
        ("external:pgn", "external"),
    ],
)
def test_a_source_is_of_the_domain_that_its_tag_names(source: str, domain: str) -> None:
    assert domain_of(source) == domain


@pytest.mark.parametrize(
    "source", ["stockfish:teacher", "stockfish", "stockfish:", "selfplay", "external:*", ""]
)
def test_a_source_of_no_domain_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match="is of no domain; allowed: teacher, external:name"):
        domain_of(source)
