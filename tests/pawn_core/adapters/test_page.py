"""docs/adapters.md says of each strategy what the registry does."""

from pathlib import Path

import pytest
from adapting import adapter_config

from pawn_core.config import VARIANTS
from pawn_core.config.adapters import ADAPTERS, Strategy

PAGE = (Path(__file__).parents[3] / "docs/adapters.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line]


def rows(strategy: Strategy) -> list[list[str]]:
    """Return the strategy's row of each table: what it is, and its parameters."""
    return [row for row in ROWS if row and row[0] == f"`{strategy.name}`"]


@pytest.mark.parametrize("strategy", ADAPTERS, ids=lambda strategy: strategy.name)
def test_the_parameters_of_every_size_are_exact(strategy: Strategy) -> None:
    _, [_, *counts] = rows(strategy)
    config = adapter_config(strategy.name)
    exact = [strategy.parameters(config, sizes, 1980) for sizes in VARIANTS.values()]
    assert counts == [f"{count:,}" for count in exact]


@pytest.mark.parametrize("strategy", ADAPTERS, ids=lambda strategy: strategy.name)
def test_every_field_of_its_own_is_named(strategy: Strategy) -> None:
    described = " ".join(rows(strategy)[0])
    shared = {field for other in ADAPTERS if other is not strategy for field in other.fields}
    assert all(f"`{field}`" in described for field in strategy.fields - shared)
