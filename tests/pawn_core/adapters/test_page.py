"""docs/adapters.md says of each strategy what the registry does."""

from pathlib import Path

import pytest
from adapting import adapter_config

from pawn_core.config import VARIANTS
from pawn_core.config.adapters import ADAPTERS, Strategy

PAGE = (Path(__file__).parents[3] / "docs/adapters.md").read_text(encoding="utf-8")


def row(section: str, strategy: Strategy) -> list[str]:
    """Return the strategy's row of a section's table, its name aside."""
    _, _, text = PAGE.partition(f"## {section}\n")
    lines = text.partition("\n## ")[0].splitlines()
    cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    [found] = [rest for name, *rest in filter(None, cells) if name == f"`{strategy.name}`"]
    return found


@pytest.mark.parametrize("strategy", ADAPTERS, ids=lambda strategy: strategy.name)
def test_the_parameters_of_every_size_are_exact(strategy: Strategy) -> None:
    counts = row("Parameters", strategy)
    config = adapter_config(strategy.name)
    exact = [strategy.parameters(config, sizes, 1980) for sizes in VARIANTS.values()]
    assert counts == [f"{count:,}" for count in exact]


@pytest.mark.parametrize("strategy", ADAPTERS, ids=lambda strategy: strategy.name)
def test_every_field_of_its_own_is_named(strategy: Strategy) -> None:
    described = " ".join(row("Strategies", strategy))
    shared = {field for other in ADAPTERS if other is not strategy for field in other.fields}
    assert all(f"`{field}`" in described for field in strategy.fields - shared)
