"""Chess rules, game generation and tokens, in Rust.

Every name is documented in `_native.pyi`.
"""

from chess_engine._native import (
    TERMINATIONS,
    Games,
    Validation,
    Vocabulary,
    apply,
    export_move_vocabulary,
    generate_random_games,
    legal_moves,
    perft,
    validate_games,
)

__all__ = [
    "TERMINATIONS",
    "Games",
    "Validation",
    "Vocabulary",
    "apply",
    "export_move_vocabulary",
    "generate_random_games",
    "legal_moves",
    "perft",
    "validate_games",
]
