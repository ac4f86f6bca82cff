"""scripts/train_<strategy>.py take the command lines that are written for them."""

import runpy
import shlex
import sys
from pathlib import Path

import pytest

from pawn_core import cli, options
from pawn_core.config import AdapterConfig, parse_config
from pawn_core.config.adapters import ADAPTER_NAMES

SCRIPTS = Path(__file__).parents[2] / "scripts"
COMMON = (
    "--pgn games.pgn --elo-min 1800 --elo-max 1900 --lr 3e-4 --local-checkpoints "
    "--epochs 50 --batch-size 64 --patience 10 --val-every 1 --max-games 12000 --min-ply 10 "
    "--sdpa-math --no-compile --no-amp --num-workers 8"
)
OWN = {
    "bottleneck": "--checkpoint owner/name --bottleneck-dim 32 --adapter-layers top-4",
    "lora": "--checkpoint owner/name --lora-rank 4 --lora-targets qkvo",
    "film": "--checkpoint owner/name --no-output-film",
    "sparse": "--checkpoint owner/name --density 0.01 --sparse-targets qkvo",
    "hybrid": "--checkpoint owner/name --lora-rank 4 --film-lr 1e-3",
    "rosa": "--checkpoint owner/name --lora-rank 4 --density 0.01",
    "unfreeze": "--checkpoint owner/name --adapter-layers 6,7",
    "tiny": "--d-model 84 --n-layers 2",
}


@pytest.mark.parametrize("strategy", ADAPTER_NAMES)
def test_each_strategy_has_a_script_whose_flags_are_its_configs_fields(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(cli, "main", lambda arguments: given.extend(arguments) or 0)
    flags = shlex.split(f"{COMMON} {OWN[strategy]}")
    monkeypatch.setattr(sys, "argv", ["script", *flags])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPTS / f"train_{strategy}.py"), run_name="__main__")
    assert ended.value.code == 0
    config = parse_config(options.config_fields(given))
    assert isinstance(config, AdapterConfig)
    assert config.strategy == strategy
    assert (config.elo_min, config.elo_max, config.max_games, config.epochs) == (
        1800,
        1900,
        12_000,
        50,
    )
    assert (config.sdpa_math, config.no_compile, config.no_amp, config.amp_dtype) == (
        *(True, True, True),
        "none",
    )
    assert config.no_effect() == {}
