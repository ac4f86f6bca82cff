"""Chess rules, game generation and tokens, in Rust.

Every name is documented in `_native.pyi`.
"""

from chess_engine._native import (
    TERMINATIONS,
    BoardStates,
    Games,
    LegalTokens,
    PgnGames,
    PgnReader,
    PositionColumns,
    Validation,
    Vocabulary,
    apply,
    compute_legal_moves,
    compute_legal_token_masks,
    compute_legal_token_masks_sparse,
    count_legal_moves,
    export_move_vocabulary,
    extract_board_states,
    generate_random_games,
    legal_moves,
    parse_pgn_file,
    perft,
    pgn_to_tokens,
    validate_games,
)

__all__ = [
    "TERMINATIONS",
    "BoardStates",
    "Games",
    "LegalTokens",
    "PgnGames",
    "PgnReader",
    "PositionColumns",
    "Validation",
    "Vocabulary",
    "apply",
    "compute_legal_moves",
    "compute_legal_token_masks",
    "compute_legal_token_masks_sparse",
    "count_legal_moves",
    "export_move_vocabulary",
    "extract_board_states",
    "generate_random_games",
    "legal_moves",
    "parse_pgn_file",
    "perft",
    "pgn_to_tokens",
    "validate_games",
]
