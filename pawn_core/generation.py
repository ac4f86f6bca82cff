"""Let a model continue games, token by token.

Shapes: b games, t time, v vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.boards import Boards
from pawn_core.model.draws import draw, uniform_numbers
from pawn_core.weights import Pretrained


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 1.0
    """Divides the logits; 0 takes the likeliest token."""
    legal: bool = False
    """Only legal moves, and PAD where the game is over."""
    until_illegal: bool = False
    """Any token, but the first that is no legal move is a game's last."""
    seed: int = 0
    first_game: int = 0
    """Number of the first game; game i of a seed draws the same random numbers in any batch."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature {self.temperature} is out of range; allowed: 0 or more")

    @property
    def on_boards(self) -> bool:
        """Whether the rules have a say."""
        return self.legal or self.until_illegal


@torch.inference_mode()
def generate(
    pretrained: Pretrained,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling | None = None,
    *,
    max_tokens: int | None = None,
    check: Callable[[], None] | None = None,
) -> NDArray[np.int64]:
    """Return the prompts' games continued, int64 (b, t), PAD after the end of each.

    Args:
        prompts: the first tokens of each game in the model's layout, one at least: the outcome, or
            in the pure layout the first move, which it does not predict.
        max_tokens: length at which games are cut; default and most: `max_seq_len`.
        check: called before each token; what it raises ends the work.

    Raises:
        ValueError: a prompt is empty, too long or holds a token outside the vocabulary; a number
            is out of range; with `legal` or `until_illegal`, a prompt's move is not legal.
    """
    sampling = sampling or Sampling()
    width = _checked_width(pretrained, max_tokens)
    prompt_bt, lengths_b = _lay_out(pretrained, prompts, width)
    if sampling.on_boards:
        _check_legal(pretrained, prompt_bt, lengths_b)
    chooser = _Chooser(pretrained, sampling, prompt_bt, lengths_b)
    cache, begin, tokens_bt = pretrained.model.new_cache(len(prompts)), 0, prompt_bt.clone()
    for t in range(int(lengths_b.min()), width):
        if check:
            check()
        logits_bv = pretrained.model.forward_next(tokens_bt[:, begin:t], cache)
        tokens_bt[:, t] = chooser.choose(logits_bv, t)
        if chooser.all_over:
            break
        begin = t
    return tokens_bt.cpu().numpy()


class _Chooser:
    """Chooses each game's next token: the prompt's, else a drawn one, else PAD."""

    def __init__(
        self, pretrained: Pretrained, sampling: Sampling, prompt_bt: Tensor, lengths_b: Tensor
    ) -> None:
        self._sampling, self._pad = sampling, pretrained.vocabulary.pad
        self._prompt_bt, self._lengths_b = prompt_bt, lengths_b
        numbers = range(sampling.first_game, sampling.first_game + len(prompt_bt))
        uniform_bt = uniform_numbers(sampling.seed, numbers, prompt_bt.shape[1])
        self._uniform_bt = torch.from_numpy(uniform_bt).to(prompt_bt.device)
        self._over_b = torch.zeros_like(lengths_b, dtype=torch.bool)
        self._rules = _Rules(pretrained, prompt_bt) if sampling.on_boards else None
        if self._rules:
            for t in range(int(lengths_b.min())):
                self._rules.play(prompt_bt[:, t], t)

    @property
    def all_over(self) -> bool:
        """Whether every game has ended."""
        return bool(self._over_b.all())

    def choose(self, logits_bv: Tensor, t: int) -> Tensor:
        """Return the tokens (b,) of time t."""
        if self._rules and self._sampling.legal:
            logits_bv = logits_bv.masked_fill(~self._rules.legal_bv(), -torch.inf)
        drawn_b = draw(logits_bv, self._sampling.temperature, self._uniform_bt[:, t])
        in_prompt_b = t < self._lengths_b
        self._over_b |= ~in_prompt_b & (drawn_b == self._pad)
        drawn_b = drawn_b.masked_fill(self._over_b, self._pad)
        tokens_b = torch.where(in_prompt_b, self._prompt_bt[:, t], drawn_b)
        if self._rules:
            self._over_b |= self._rules.play(tokens_b, t)
        return tokens_b


class _Rules:
    """The games on their boards, to know what is legal."""

    def __init__(self, pretrained: Pretrained, prompt_bt: Tensor) -> None:
        games, width = prompt_bt.shape
        self._first_ply = int(pretrained.spec.prepend_outcome)
        self._boards = Boards(games, width - self._first_ply, pretrained.vocabulary)
        self._device = prompt_bt.device

    def legal_bv(self) -> Tensor:
        """Return which tokens may come next."""
        return torch.from_numpy(self._boards.legal_bv()).to(self._device)

    def play(self, tokens_b: Tensor, t: int) -> Tensor:
        """Play the tokens of time t and return the games (b,) that had an illegal one.

        An outcome in front is no move.
        """
        if t >= self._first_ply:
            self._boards.play(tokens_b.cpu().numpy())
        return torch.from_numpy(self._boards.forfeited_b).to(self._device)


def _checked_width(pretrained: Pretrained, max_tokens: int | None) -> int:
    most = pretrained.spec.max_seq_len
    width = most if max_tokens is None else max_tokens
    if not 1 <= width <= most:
        raise ValueError(f"max_tokens {max_tokens} is out of range; allowed: 1 to {most}")
    return width


def _lay_out(
    pretrained: Pretrained, prompts: Sequence[Sequence[int]], width: int
) -> tuple[Tensor, Tensor]:
    """Return the prompts as int64 (b, width) with PAD behind, and their lengths (b,)."""
    device, size = pretrained.model.lm_head.weight.device, pretrained.vocabulary.size
    rows = torch.full((len(prompts), width), pretrained.vocabulary.pad, device=device)
    for index, prompt in enumerate(prompts):
        if not 1 <= len(prompt) <= width:
            raise ValueError(f"prompts[{index}] has {len(prompt)} tokens; allowed: 1 to {width}")
        if not all(0 <= token < size for token in prompt):
            raise ValueError(f"prompts[{index}] has a token outside 0 to {size - 1}")
        rows[index, : len(prompt)] = torch.tensor(prompt, device=device)
    return rows, torch.tensor([len(prompt) for prompt in prompts], device=device)


def _check_legal(pretrained: Pretrained, prompt_bt: Tensor, lengths_b: Tensor) -> None:
    """Refuse prompts that the board does not take."""
    first_ply = int(pretrained.spec.prepend_outcome)
    moves_bt = prompt_bt[:, first_ply : int(lengths_b.max())].cpu().numpy().astype(np.int16)
    plies_b = (lengths_b - first_ply).cpu().numpy().astype(np.int32)
    vocabulary = pretrained.vocabulary.name
    illegal_b = chess_engine.validate_games(
        np.ascontiguousarray(moves_bt), plies_b, vocabulary=vocabulary
    ).first_illegal
    for game in np.flatnonzero(illegal_b >= 0):
        raise ValueError(f"prompts[{game}] has an illegal move at ply {illegal_b[game]}")
