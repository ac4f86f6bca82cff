"""Whatever a model writes has a number for each component and a reward in its scheme's range."""

import random
import secrets
from pathlib import Path

import numpy as np
from analysing import BY_THE_RULES, write_analyser

from pawn_core.config.tasks import SCHEMES, TASKS
from pawn_core.tasks import Mixture, TaskSettings, build_scheme

RANGES = {
    "verified": (0.0, 1.0),
    "rookworld": (-1.0, 2.0),
    "rookworld_graduated": (-1.0, 1.5),
    "mini": (-0.3, 1.0),
    "trl": (-1.0, 1.0),
}
WRITTEN = " +-.:/0123456789abcdefghnqrbkEBMKQ w\tPA\n\0\xe9\uff11\u221e\u2028"
"""Characters that are found in completions, and some that should not be."""


def damaged(text: str, chance: random.Random) -> str:
    """Return a text with some characters or pieces put in, left out, doubled or replaced."""
    for _ in range(chance.randrange(1, 6)):
        begin, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        pieces = [
            text[:begin] + chance.choice(WRITTEN) + text[begin:],
            text[:begin] + text[end:],
            text[:end] + text[begin:],
            "".join(chance.choices(WRITTEN, k=chance.randrange(40))) + text[end:],
        ]
        text = chance.choice(pieces)
    return text


def test_damaged_completions_have_components_and_a_reward_in_range(tmp_path: Path) -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    program = write_analyser(tmp_path / "program", answer=BY_THE_RULES)
    shares = {kind.name: 1 / len(TASKS) for kind in TASKS}
    settings = TaskSettings(shares, stockfish_path=program, analysis_cache=tmp_path / "analyses")
    with Mixture(settings) as mixture:
        prompts = mixture.prompts(seed, 0, 24) * 40
        texts = [damaged(text, chance) for text in mixture.completions(prompts)]
        for scored in mixture.score(prompts, texts):
            for values in scored.scores.components.values():
                assert ((values >= 0.0) & (values <= 1.0)).all()
            for kind in SCHEMES:
                low, high = RANGES[kind.name]
                rewards = build_scheme(kind.name, {}).rewards(scored)
                assert np.isfinite(rewards).all(), kind.name
                assert low - 1e-9 <= rewards.min() <= rewards.max() <= high + 1e-9, kind.name
