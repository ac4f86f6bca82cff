"""Measure what a step of reinforcement asks of a model of text, and print a Markdown table.

8 prompts x 8 completions of 100 tokens each (none ends before), by a character model of about a
million parameters, in float32 on a CPU: drawing them, scoring them by a frozen model, and the
forward and backward pass of the model that learns. Least of several rounds.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pawn_core.config import Architecture
from pawn_core.data.sequences import Batch
from pawn_core.language import (
    CharacterVocabulary,
    TextModel,
    TextModelSpec,
    TextSampling,
    complete,
    new_text_model,
    text_batch,
    token_log_probs,
)

MINI = Architecture(d_model=128, n_layers=4, n_heads=4, d_ff=512)
PROMPTS, GROUP, TOKENS = 8, 8, 100
PROMPT = "A: rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 {}+e7e5+e2e4 e7e5+"


class Endless(CharacterVocabulary):
    """Characters whose end no model writes, so that all completions have the same length."""

    end = -1


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    text_model = new_text_model(TextModelSpec("characters", MINI, 256), 0, Endless())
    texts = [PROMPT.format(number) for number in range(1, PROMPTS + 1) for _ in range(GROUP)]
    prompts = [text_model.tokenizer.encode(text) for text in texts]
    written = complete(text_model, prompts, TextSampling(TOKENS))
    batch = text_batch(list(zip(prompts, written.tokens, strict=True)), text_model.tokenizer.pad)
    works: dict[str, Callable[[], object]] = {
        "draw": lambda: complete(text_model, prompts, TextSampling(TOKENS)),
        "score": lambda: scored(text_model, batch),
        "score, with the gradient": lambda: (
            token_log_probs(text_model.model, batch).sum().backward()
        ),
    }
    apart = np.abs(scored(text_model, batch).numpy() - np.concatenate(written.log_probs)).max()
    print(f"{text_model.parameters:,} parameters, {len(written)} completions of {TOKENS} tokens,")
    print(f"threads: {arguments.threads}; log-probabilities drawn and scored differ by {apart:.1e}")
    print("\n| what | wall s | CPU s |\n|---|---|---|")
    for name, work in works.items():
        wall, cpu = np.min([timed(work) for _ in range(arguments.rounds)], axis=0)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} |")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


@torch.no_grad()
def scored(text_model: TextModel, batch: Batch) -> Tensor:
    """Return the log-probability of each token written."""
    return token_log_probs(text_model.model, batch)


def learned(text_model: TextModel, batch: Batch) -> None:
    """Score with the gradient of the sum by every weight."""
    token_log_probs(text_model.model, batch).sum().backward()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds on the wall and of CPU time that work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
