"""Which games a run sees: addressed by seed and index, the same for any batch or thread count."""

from dataclasses import dataclass

import chess_engine
from chess_engine import TrainingBatch, Vocabulary

from pawn_core.config import PretrainConfig


@dataclass(frozen=True)
class GameSource:
    """The infinite list of random games of one seed: game i is fixed for ever."""

    seed: int
    max_ply: int
    mate_boost: float
    discard_ply_limit: bool
    vocabulary: str
    layout: str
    threads: int | None = None

    def sequences(
        self, first: int, count: int, *, width: int | None = None, legal_moves: bool = False
    ) -> TrainingBatch:
        """Return games `first .. first + count - 1` laid out, with every legal set where asked.

        They are `width` tokens wide; by default as many as the longest game needs.
        """
        return chess_engine.generate_training_batch(
            count,
            seed=self.seed,
            first_game=first,
            max_ply=self.max_ply,
            mate_boost=self.mate_boost,
            discard_ply_limit=self.discard_ply_limit,
            vocabulary=self.vocabulary,
            layout=self.layout,
            width=width,
            legal_moves=legal_moves,
            threads=self.threads,
        )


def vocabulary_of(config: PretrainConfig) -> Vocabulary:
    """Return the config's vocabulary."""
    return chess_engine.export_move_vocabulary(config.vocabulary)


def training_games(config: PretrainConfig, threads: int | None = None) -> GameSource:
    """Return the games to train on."""
    assert config.data_seed is not None
    return _source(config, config.data_seed, threads)


def validation_games(config: PretrainConfig, threads: int | None = None) -> GameSource:
    """Return the games to evaluate on: of another seed, so no game of the training stream."""
    return _source(config, config.val_seed, threads)


def _source(config: PretrainConfig, seed: int, threads: int | None) -> GameSource:
    return GameSource(
        seed=seed,
        max_ply=config.max_ply,
        mate_boost=config.mate_boost,
        discard_ply_limit=config.discard_ply_limit,
        vocabulary=config.vocabulary,
        layout="prefixed" if config.prepend_outcome else "pure",
        threads=threads,
    )
