"""Chess decisions whose every answer the engine scores, so that a policy's gradient is a sum.

The policy is log-linear: the logit of a token is theta times the mean of what is known of the moves
that remain possible after it. An answer is a move in one token, or its SAN by character.

Shapes: p decisions, a answers to all of them, n tokens of all answers, m nodes (what has been
answered so far), k tokens that may follow, d parameters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MOVES = chess_engine.export_move_vocabulary()
_VALUES = np.array([1, 3, 3, 5, 9]) / 9  # pawn to queen
_PLIES = (8, 60)
_AT_ONCE = 256
_NEVER = -1e9  # logit of what may not follow; its probability is exactly 0


class Decision(NamedTuple):
    """A position, all answers to it, what each is worth and what is known of its move."""

    answers: list[tuple[str, ...]]
    """Tokens of each legal move."""
    rewards_a: NDArray[np.float64]
    features_ad: NDArray[np.float64]


def mates(lines: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return 1 for each line whose last move mates, else 0."""
    mate = chess_engine.TERMINATIONS.index("checkmate")
    return (chess_engine.validate_games(lines).terminations == mate).astype(np.float64)


def captures(lines: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the value of the man that each line's last move takes, in queens."""
    states = chess_engine.extract_board_states(lines)
    other = 1 - states.before.side_to_move[0, -1]
    men_a5 = states.before.material[:, -1, other] - states.after.material[:, -1, other]
    return men_a5 @ _VALUES


def environment(lines: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return what the environment of the `A:` task rewards each line's last move with."""
    board = chess_engine.BatchGames(1)
    for move in lines[0, :-1]:
        board.apply(np.array([move], np.int16))
    moves = [_MOVES.moves[move] for move in lines[:, -1]]
    return chess_engine.step_environment(board.fens() * len(moves), moves).rewards


REWARDS: dict[str, Callable[[NDArray[np.int16]], NDArray[np.float64]]] = {
    "mate": mates,
    "capture": captures,
    "environment": environment,
}


def decisions(reward: str, count: int, seed: int, *, written: bool = False) -> list[Decision]:
    """Return positions of random games in which not all moves have the same reward.

    Args:
        reward: a name in `REWARDS`.
        written: answers are SAN by character with an end, not one token.
    """
    found: list[Decision] = []
    for lines in _positions(seed):
        rewards_a = REWARDS[reward](lines)
        if rewards_a.min() == rewards_a.max():
            continue
        words = (chess_engine.tokens_to_san if written else chess_engine.tokens_to_uci)(lines)
        answers = [tuple([*line[-1], ""] if written else line[-1:]) for line in words]
        found.append(Decision(answers, rewards_a, _features(lines)))
        if len(found) == count:
            break
    return found


def _positions(seed: int) -> Iterator[NDArray[np.int16]]:
    """Yield positions of random games without end, as lines: the game and each legal move."""
    least, most = _PLIES
    first = 0
    while True:
        games = chess_engine.generate_random_games(
            _AT_ONCE, seed=seed, first_game=first, max_ply=most, legal_moves=True
        )
        assert games.legal_values is not None
        assert games.legal_offsets is not None
        rows = np.append(0, np.cumsum(games.lengths))
        plies = np.random.default_rng((seed, first)).integers(least, most, _AT_ONCE)
        for i in np.flatnonzero(plies < games.lengths):
            begin, end = games.legal_offsets[rows[i] + plies[i] :][:2]
            moves = games.legal_values[begin:end]
            yield np.column_stack((np.tile(games.tokens[i, : plies[i]], (end - begin, 1)), moves))
        first += _AT_ONCE


def _features(lines: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return what is known of each line's last move: the men that move and stand there, squares."""
    states, moves = chess_engine.extract_board_states(lines), lines[:, -1]
    source, destination = _MOVES.source[moves], _MOVES.destination[moves]
    board = states.before.pieces[:, -1]
    rows = np.arange(len(lines))
    known = (board[rows, source], board[rows, destination], source, destination)
    return np.concatenate([np.eye(64)[column] for column in known], axis=1)


@dataclass
class Policy:
    """A log-linear policy over the answers to some decisions, and all its sums."""

    features_mkd: Tensor
    closed_mk: Tensor
    """0, or a logit that nothing follows from."""
    nodes_n: Tensor
    tokens_n: Tensor
    """Which of the k that may follow each token is."""
    answers_n: Tensor
    decisions_a: Tensor
    rewards_a: Tensor
    theta_d: Tensor

    @classmethod
    def of(cls, found: list[Decision]) -> "Policy":
        """Return the policy at which all that may follow is equally likely."""
        tree = _Tree()
        for number, decision in enumerate(found):
            tree.add(number, decision)
        return cls(
            *tree.nodes(),
            nodes_n=torch.tensor(tree.nodes_n),
            tokens_n=torch.tensor(tree.tokens_n),
            answers_n=torch.tensor(tree.answers_n),
            decisions_a=torch.tensor(tree.decisions_a),
            rewards_a=torch.from_numpy(np.concatenate([d.rewards_a for d in found])),
            theta_d=torch.zeros(found[0].features_ad.shape[1], dtype=torch.float64),
        )

    @property
    def lengths_a(self) -> Tensor:
        """Tokens of each answer."""
        return torch.bincount(self.answers_n)

    def logits(self, theta_d: Tensor) -> Tensor:
        """Return the logits (n, k) before each token of each answer."""
        return (self.features_mkd @ theta_d + self.closed_mk)[self.nodes_n]

    def token_log_probs(self, theta_d: Tensor) -> Tensor:
        """Return the log-probability (n,) of each token of each answer."""
        log_p_nk = self.logits(theta_d).log_softmax(-1)
        return log_p_nk.gather(1, self.tokens_n[:, None]).squeeze(1)

    def probabilities(self, theta_d: Tensor) -> Tensor:
        """Return the probability (a,) of each answer; those to a decision add up to 1."""
        log_probs_n = self.token_log_probs(theta_d)
        zeros_a = torch.zeros_like(self.rewards_a)
        return zeros_a.index_add(0, self.answers_n, log_probs_n).exp()

    def mean(self, theta_d: Tensor, values_a: Tensor) -> Tensor:
        """Return the mean over decisions of the expected value of an answer."""
        return self.probabilities(theta_d) @ values_a / (self.decisions_a[-1] + 1)

    def exact_gradient(self, values_a: Tensor) -> Tensor:
        """Return the gradient (d,) of that mean: a sum over all answers, nothing is sampled."""
        theta_d = self.theta_d.clone().requires_grad_()
        return torch.autograd.grad(self.mean(theta_d, values_a), theta_d)[0]

    def climb(self, share: float, rate: float = 1.0) -> None:
        """Follow the exact gradient until so much of what can be gained is gained."""
        best_p = torch.zeros(int(self.decisions_a[-1]) + 1, dtype=torch.float64)
        best_p.scatter_reduce_(0, self.decisions_a, self.rewards_a, "amax")
        begin, best = self.mean(self.theta_d, self.rewards_a), best_p.mean()
        while self.mean(self.theta_d, self.rewards_a) < begin + share * (best - begin):
            self.theta_d = self.theta_d + rate * self.exact_gradient(self.rewards_a)

    def by_parameters(self, gradient_nk: Tensor) -> Tensor:
        """Return each answer's gradient (a, d) of one by the logits before its tokens."""
        products_nd = torch.einsum("nk,nkd->nd", gradient_nk, self.features_mkd[self.nodes_n])
        zeros_ad = torch.zeros(len(self.rewards_a), len(self.theta_d), dtype=torch.float64)
        return zeros_ad.index_add(0, self.answers_n, products_nd)


class _Tree:
    """The answers to several decisions by what has been answered so far."""

    def __init__(self) -> None:
        self._following: list[dict[str, list[NDArray[np.float64]]]] = []
        self.nodes_n: list[int] = []
        self.tokens_n: list[int] = []
        self.answers_n: list[int] = []
        self.decisions_a: list[int] = []

    def add(self, number: int, decision: Decision) -> None:
        """Add a decision's answers."""
        nodes: dict[tuple[str, ...], int] = {}
        for answer, features_d in zip(decision.answers, decision.features_ad, strict=True):
            for n, token in enumerate(answer):
                node = nodes.setdefault(answer[:n], len(self._following))
                if node == len(self._following):
                    self._following.append({})
                following = self._following[node]
                following.setdefault(token, []).append(features_d)
                self.nodes_n.append(node)
                self.tokens_n.append(list(following).index(token))
                self.answers_n.append(len(self.decisions_a))
            self.decisions_a.append(number)

    def nodes(self) -> tuple[Tensor, Tensor]:
        """Return what is known of what may follow (m, k, d), and what may not (m, k)."""
        most = max(map(len, self._following))
        width = len(next(iter(self._following[0].values()))[0])
        features_mkd = np.zeros((len(self._following), most, width))
        closed_mk = np.full(features_mkd.shape[:2], _NEVER)
        for node, following in enumerate(self._following):
            closed_mk[node, : len(following)] = 0.0
            for k, rows in enumerate(following.values()):
                features_mkd[node, k] = np.mean(rows, axis=0)
        return torch.from_numpy(features_mkd), torch.from_numpy(closed_mk)
