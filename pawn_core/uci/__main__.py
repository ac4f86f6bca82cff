"""`python -m pawn_core.uci`: a model as a chess program, as `pawn-lab uci` starts it.

stdout is the wire: it carries the protocol and nothing else.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pawn_core.config import ConfigError
from pawn_core.config.weights import TrialWeights
from pawn_core.threads import settle_threads
from pawn_core.uci.front import Chooser, Front
from pawn_core.uci.play_settings import OPTIONS, PlaySettings

_LONGEST_LINE = 1 << 20
_BAD_INPUT, _INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Play until `quit` or the end of the input, and return the exit code."""
    wire = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print must not reach the other program
    try:
        options = _parser().parse_args(arguments)
        return _play(options, sys.stdin.buffer, wire)
    except (ConfigError, ValueError) as error:
        wire.write(f"info string error {' '.join(str(error).split())}\n".encode())
        sys.stderr.write(f"pawn-lab uci: {error}\n")
        return _BAD_INPUT
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED


def _play(options: argparse.Namespace, lines: BinaryIO, wire: BinaryIO) -> int:
    settings = PlaySettings()
    for option in OPTIONS:
        if (text := getattr(options, option.field)) is not None:
            settings = option.set(settings, text)
    TrialWeights.parse(options.source)
    settle_threads(settings.threads)

    def say(line: str) -> None:
        wire.write(f"{line}\n".encode(errors="replace"))

    def load(settings: PlaySettings) -> Chooser:
        return load_model(options.source, options.trials, settings)

    front = Front(options.source, settings, load, say)
    while line := lines.readline(_LONGEST_LINE):
        if not front.hear(line.decode(errors="replace")):
            break
    return 0


def load_model(source: str, trials: Path, settings: PlaySettings) -> Chooser:
    """Return a model's games, ready to choose a move at once.

    Raises:
        ConfigError: there are no such weights, or they are damaged.
    """
    # torch takes seconds to import: not before the protocol has been answered.
    import torch

    from pawn_core.evaluation.subjects import PositionSubject, load_measured
    from pawn_core.uci.model_games import ModelGames
    from pawn_core.uci.policy_games import PolicyGames

    beside_trials = trials / "uci" / "run"
    subject = load_measured(source, beside_trials, torch.device("cpu"))
    if isinstance(subject, PositionSubject):
        games = PolicyGames(subject.pretrained.model)
    else:
        games = ModelGames(subject.pretrained, source)
    games.warm_up(settings)
    return games


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pawn-lab uci", description=__doc__)
    parser.add_argument("--source", required=True, help="weights, as evaluations name them")
    parser.add_argument("--trials", type=Path, default=Path(), help="folder of the trials")
    for option in OPTIONS:
        default = getattr(PlaySettings(), option.field)
        parser.add_argument(f"--{option.field}", help=f"{option.meaning}; default {default}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
