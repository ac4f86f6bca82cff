"""Play: games against a chess program, random play or another model, and the Elo difference."""

from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.evaluation.evaluation import Evaluation
from pawn_core.evaluation.generated.sampled_games import ENDINGS, ILLEGAL, SampledGames
from pawn_core.evaluation.intervals import exact
from pawn_core.evaluation.play import match_pgn
from pawn_core.evaluation.play.elo import PAIR_SCORES, elo, mean_score
from pawn_core.evaluation.play.matches import Rules, play_pairs, white_scores
from pawn_core.evaluation.play.opponents import (
    AnyContext,
    check_opponent,
    model_player,
    opponent_of,
)
from pawn_core.evaluation.play.players import BOARD
from pawn_core.evaluation.report import Figure, Report, Table

GAMES = "games.pgn"
_NAME = "opponent"


class Play(Evaluation):
    """The games so far."""

    @classmethod
    def check(cls, context: AnyContext) -> None:
        """Meet the opponent once, to see that it is there.

        Raises:
            ConfigError: it is not, has no such strength, or the openings leave no game to play.
        """
        plies, most = context.config.play_opening_plies, context.max_ply
        if plies >= most:
            raise ConfigError(
                f"play_opening_plies {plies} leaves nothing of a game of {most} plies; allowed: "
                f"1 to {most - 1}"
            )
        check_opponent(context)

    def __init__(self, context: AnyContext) -> None:
        self._context, self._config = context, context.config
        self._model = model_player(context, context.pretrained, context.config.weights)
        self._opponent = opponent_of(context)
        self._opponent_name = self._config.play_opponent
        self._games: list[SampledGames] = []
        self._path = context.folder / GAMES

    def run(self, shard: int) -> None:
        """Play a shard's pairs and keep their games."""
        config = self._config
        at_once = config.pairs_at_once(config.shard_games)
        pairs = range(shard * at_once, min((shard + 1) * at_once, config.play_pairs))
        rules = Rules(config.games_seed, config.play_opening_plies, self._opponent.max_ply)
        with self._opponent.meet() as opponent:
            games = play_pairs((self._model, opponent), pairs, rules, self._context.stop)
            self._opponent_name = opponent.name
        write = match_pgn.append if self._games else match_pgn.begin
        self._games.append(games)
        write(self._path, self._pgn(games, pairs.start))

    def state(self) -> dict[str, Tensor]:
        """Return the games, and who the opponent was."""
        name = torch.tensor(list(self._opponent_name.encode()), dtype=torch.uint8)
        columns = [column.name for column in fields(SampledGames)] if self._games else []
        return {_NAME: name} | {name: torch.from_numpy(self._column(name)) for name in columns}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on after games, which are then all that the file holds."""
        columns = {column.name: tensors[column.name].numpy() for column in fields(SampledGames)}
        self._games = [SampledGames(**columns)]
        self._opponent_name = bytes(tensors[_NAME].tolist()).decode()
        match_pgn.begin(self._path, self._pgn(self._games[0], 0))

    def report(self) -> Report:
        """Return the score, the Elo difference and what the games were like."""
        return Report(
            "play",
            "Pairs of games from random legal openings, each opening with both colours. A token "
            "that is no legal move loses; a game cut at its longest is a draw; nobody claims "
            "draws. Score per game; its interval is by empirical likelihood over the five scores "
            "of a pair (pentanomial); Elo is logistic.",
            self._figures(),
            self._tables(),
            self._facts(),
        )

    def _column(self, name: str) -> NDArray[Any]:
        return np.concatenate([getattr(games, name) for games in self._games])

    def _pgn(self, games: SampledGames, first_pair: int) -> str:
        scores_b = white_scores(games.endings_b, games.lengths_b)
        names = (self._config.weights, self._opponent_name)
        tags = match_pgn.Tags("pawn-lab play", names, self._config.play_opening_plies)
        return match_pgn.pgn_of(games, scores_b, first_pair, tags, BOARD)

    def _columns(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the model's score of each game, the ending, and whether the model was to move."""
        endings_b, lengths_b = self._column("endings_b"), self._column("lengths_b")
        has_white_b = np.arange(len(lengths_b)) % 2 == 0
        white_b = white_scores(endings_b, lengths_b)
        to_move_b = has_white_b == (lengths_b % 2 == 0)
        return np.where(has_white_b, white_b, 1 - white_b), endings_b, to_move_b

    def _figures(self) -> tuple[Figure, ...]:
        scores_b, endings_b, to_move_b = self._columns()
        games, pairs = len(scores_b), len(scores_b) // 2
        score = mean_score(_pair_counts(scores_b))
        value, low, high = map(elo, score)
        lost = int(((endings_b >= ILLEGAL) & to_move_b).sum())
        return (
            Figure("score", *score, pairs, "mean score of a game; over pairs"),
            Figure("elo", value, low, high, pairs, "Elo difference of that score; null: unbounded"),
            Figure(
                "forfeited",
                lost / games,
                *exact(lost, games),
                games,
                "share of games that the model lost by a token that is no legal move; exact",
            ),
        )

    def _tables(self) -> tuple[Table, ...]:
        scores_b, endings_b, to_move_b = self._columns()
        counts = zip(PAIR_SCORES, _pair_counts(scores_b), strict=True)
        ended = np.bincount(endings_b, minlength=len(ENDINGS)).tolist()
        endings = zip(ENDINGS, ended, strict=True)
        columns = ("model_has", "won", "drawn", "lost", "forfeited", "opponent_forfeited")
        rows = (
            _colour_row(colour, scores_b[at::2], endings_b[at::2], to_move_b[at::2])
            for at, colour in enumerate(("white", "black"))
        )
        return (
            Table("results", columns, tuple(rows)),
            Table("pairs", ("mean_score", "pairs"), tuple(counts)),
            Table("endings", ("ending", "games"), tuple(endings)),
        )

    def _facts(self) -> dict[str, Any]:
        config = self._config
        tokens = self._column("tokens_bp")
        return {
            "opponent": self._opponent_name,
            "opponent_facts": self._opponent.facts,
            "pairs": config.play_pairs,
            "games": len(tokens),
            "distinct_games": len({row.tobytes() for row in tokens}),
            "games_seed": config.games_seed,
            "seed": config.seed,
            "opening_plies": config.play_opening_plies,
            "max_ply": self._opponent.max_ply,
            "temperature": config.play_temperature,
            "masked": config.play_masked,
            "file": GAMES,
        }


def _pair_counts(scores_b: NDArray[np.float64]) -> list[int]:
    pairs_p = scores_b.reshape(-1, 2).mean(axis=1)
    return [int((pairs_p == score).sum()) for score in PAIR_SCORES]


def _colour_row(
    colour: str, scores: NDArray[Any], endings: NDArray[Any], to_move: NDArray[Any]
) -> tuple[Any, ...]:
    results = [int((scores == score).sum()) for score in (1.0, 0.5, 0.0)]
    forfeits = endings >= ILLEGAL
    return (colour, *results, int((forfeits & to_move).sum()), int((forfeits & ~to_move).sum()))
