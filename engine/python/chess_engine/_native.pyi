"""The compiled engine: chess rules, game generation, tokens.

Every function refuses bad input with a `ValueError` that names the argument, the value and what is
allowed, and releases the GIL while it works.

`threads` is the number of threads of one call; `None` means `RAYON_NUM_THREADS`, else the CPUs this
process may use. It never changes a result. In a process forked after the import, more than one
thread is a `RuntimeError`: start workers with the "spawn" method.

A call on the main thread handles signals while it works: Ctrl-C ends it with `KeyboardInterrupt`
within some 50 ms, and the next call works.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

TERMINATIONS: tuple[str, ...]
"""Names of the codes in `terminations`: checkmate, stalemate, ply_limit, seventy_five_moves,
fivefold_repetition, insufficient_material (how games end, here in the order 0..5), unfinished and
illegal_move (6 and 7: only for recorded games)."""

EDGE_CASES: Mapping[str, int]
"""Bits of the flags of a position, by name, lowest first; all speak of the side to move:

- check, double_check;
- pin_restricts: a pinned piece has a move that only its pin forbids;
- en_passant, and en_passant_a .. en_passant_h by the file captured on: the capture is legal;
- promotion, and promotion_a .. promotion_h by the file of the pawn: the promotion is legal;
- castling_kingside, castling_queenside: castling is legal;
- castling_*_blocked_by_check, castling_*_blocked_by_attack: the right is held and no piece stands
  between king and rook, but the king is in check, or else would pass or reach an attacked square;
- castling_*_lost: the right is gone; castling_*_lost_at_home: though king and rook stand at home;
- checkmate, stalemate;
- seventy_five_moves (a halfmove clock of 150 or more), fivefold_repetition, insufficient_material:
  the rule applies, whatever else does."""

STRATA: tuple[str, ...]
"""What makes a position hard to write about: names of the bits of `strata`, lowest first; all speak
of the side to move:

- check: its king is attacked;
- pin: one of its men, not the king, is absolutely pinned, whether or not it can move on the line;
- en_passant, castling, promotion: such a move is legal;
- mate, stalemate: a legal move mates, or leaves no legal reply without a check;
- endgame: at most 7 men on the board, kings included.

A position with no bit is plain."""

ILLEGAL_KINDS: tuple[str, ...]
"""Kinds of illegal moves, by code. A move may be illegal in other ways than its kind says too:

- pinned: a pinned man leaves its line (or an en-passant capture uncovers the king);
- into_check: the king moves to an attacked square;
- ignores_check: the king is in check and stays there;
- castling: the king's two-step from home where castling is not legal;
- en_passant: a capture of a pawn beside that did not just make its double step;
- promotion: a last step without promotion, or another pawn's step with one;
- wrong_side: the opponent's man moves;
- blocked: a man goes through another, or takes its own;
- random: any two squares."""

POSITION_TASKS: tuple[str, ...]
"""The self-supervised targets of `EncodedPositions`: piece, threat, pin, fork, control,
pawn_structure, king_safety."""

IGNORED: int
"""255: on squares that a target of `EncodedPositions` says nothing of."""

POLICY_SIZE: int
"""4672: indices of a policy, 64 from-squares (a1 = 0) x 73 planes.

An index is from-square x 73 + plane:

- rays, 7 x direction + distance - 1, directions N S E W NE NW SE SW (N is toward rank 8, E toward
  file h, whoever moves). All moves of queen's lines, castling (the king's two-step), pawn moves and
  promotions to a queen among them;
- knights, 56 + the place among (-2, -1), (-2, 1), (-1, -2), (-1, 2), (1, -2), (1, 2), (2, -1),
  (2, 1), as ranks and files to go;
- promotions to others, 64 + 3 x (knight, bishop, rook) + (forward, left, right), left and right as
  the mover sees them."""

POLICY_TRANSFORMS: NDArray[np.int16]
"""(4, 4672), not to be written to: where each index goes under each kind of `transform_fens`. The
legal moves of a position go to those of its image."""

SOURCE_DIGEST: str
"""BLAKE2b of the engine's Rust sources, in hex: what another parser read can be told apart."""

@final
class Vocabulary:
    """A numbering of moves, PAD and outcomes."""

    name: str
    size: int
    """Number of tokens."""
    pad: int
    """The token after the end of a game. Not 0 in "searchless", where 0 is a move."""
    moves: list[str]
    """UCI of every token, length `size`; "" where a token is not a move."""
    move_ids: dict[str, int]
    """UCI -> token."""
    outcomes: dict[str, int]
    """Outcome -> token, in token order: white_checkmates, black_checkmates, stalemate,
    draw_by_rule (75 moves, fivefold repetition, insufficient material), ply_limit; and in
    "searchless", for real games: white_wins_by_resignation, black_wins_by_resignation,
    draw_by_agreement, white_wins_on_time, black_wins_on_time, draw_by_time."""
    source: NDArray[np.int8]
    """(size,) square a move token starts from, a1 = 0 ... h8 = 63; -1 where not a move."""
    destination: NDArray[np.int8]
    """(size,) square a move token goes to (castling: the king's two-step); -1 where not a move."""
    promotion: NDArray[np.int8]
    """(size,) 0 none, 1 q, 2 r, 3 b, 4 n; -1 where not a move."""

def export_move_vocabulary(name: str = "searchless") -> Vocabulary:
    """Return the vocabulary "searchless" (1,980 tokens) or "coordinate" (4,278, legacy)."""

@final
class Games:
    """Random games as columns; row `i` is game `first_game + i`.

    The CSR arrays have one row a ply, game after game: row `sum(lengths[:i]) + t` is
    `values[offsets[row]:offsets[row + 1]]`, what move `t` of game `i` was drawn from, as tokens
    ascending. They are None unless asked for.
    """

    tokens: NDArray[np.int16]
    """(n_games, max_ply) move tokens, PAD after the end."""
    lengths: NDArray[np.int32]
    """(n_games,) plies played."""
    terminations: NDArray[np.uint8]
    """(n_games,) index into `TERMINATIONS`."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token of the vocabulary."""
    attempts: NDArray[np.int32]
    """(n_games,) candidates played for each game; 1 without `discard_ply_limit`."""
    legal_values: NDArray[np.int16] | None
    legal_offsets: NDArray[np.int64] | None
    """(sum(lengths) + 1,) the legal moves; with `legal_moves=True`."""
    mating_values: NDArray[np.int16] | None
    mating_offsets: NDArray[np.int64] | None
    """(sum(lengths) + 1,) the legal moves that mate; with `legal_moves=True`, `mate_boost > 0`."""

def generate_random_games(
    n_games: int,
    *,
    seed: int,
    first_game: int = 0,
    max_ply: int = 512,
    mate_boost: float = 0.0,
    discard_ply_limit: bool = False,
    vocabulary: str = "searchless",
    legal_moves: bool = False,
    threads: int | None = None,
) -> Games:
    """Play random games `first_game .. first_game + n_games - 1` of `seed`.

    Game `i` of a seed is fixed for ever: it depends on `seed`, `i` and the rules `max_ply`,
    `mate_boost`, `discard_ply_limit`, never on the batch, the threads, the vocabulary or the
    machine. A game with a lower `max_ply` is a prefix. A boosted game equals the plain one up to
    the first mate the boost plays.

    Draw number `t` of a game is one xoshiro256++ word: its high 32 bits pick the k-th legal move in
    ascending order of "searchless" tokens (Lemire's unbiased method), its low 32 bits toss the
    boost's coin.

    Args:
        seed: 0..=2**64 - 1.
        first_game: 0..=2**63 - 1.
        max_ply: plies after which a game is cut, 1..=20000.
        mate_boost: where mating moves exist, the probability of playing one of them (uniformly);
            otherwise any legal move (uniformly).
        discard_ply_limit: replace a game cut by `max_ply` by the next attempt at its address, until
            one ends by the rules. Needs `max_ply >= 4`.
        vocabulary: of the tokens, "searchless" or "coordinate".
        legal_moves: also return the legal moves (and mating moves, where boosted) at every ply.

    Raises:
        ValueError: an argument is outside its range.
        MemoryError: `n_games * max_ply` tokens do not fit.
    """

def generate_checkmate_games(
    n_games: int,
    *,
    seed: int,
    first_game: int = 0,
    max_ply: int = 512,
    side: str | None = None,
    mate_boost: float = 0.0,
    vocabulary: str = "searchless",
    legal_moves: bool = False,
    threads: int | None = None,
) -> Games:
    """Play random games that end in checkmate.

    Game `i` is the first attempt at its address that does; `Games.attempts` says how many were
    played. Attempt 0 is the game of `generate_random_games`. The legal sets are what the player
    drew from; given that the game ends in mate, its moves are no longer uniform over them.

    Args:
        max_ply: 4..=20000 (5 for white). At 512 plies about one attempt in 6 mates, one in 13 for a
            given side; at 4, one in 25,000. `mate_boost` raises that.
        side: that mates, "white" or "black"; by default either.

    The other arguments are as in `generate_random_games`.

    Raises:
        ValueError: an argument is outside its range.
        MemoryError: `n_games * max_ply` tokens do not fit.
    """

@final
class TrainingBatch:
    """Random games as training sequences; row `i` is game `first_game + i`.

    W is the width. A game of N plies has N supervised positions in the layout "pure"
    (`[m1 .. mN, PAD ..]`: the first move is not predicted) and N + 1 in "prefixed"
    (`[outcome, m1 .. mN, PAD ..]`). The last of them predicts PAD: the game is over.

    The CSR arrays have one row a supervised position, in row-major order: row `r` is
    `values[offsets[r]:offsets[r + 1]]`. They are None unless asked for.
    """

    layout: str
    """"pure" or "prefixed"."""
    inputs: NDArray[np.signedinteger]
    """(n_games, W) int64 (or the caller's dtype), tokens; PAD after the end."""
    targets: NDArray[np.signedinteger]
    """(n_games, W) int64 (or the caller's dtype), the token after each position; PAD where the game
    is over."""
    loss_mask: NDArray[np.bool_]
    """(n_games, W) where a position is supervised."""
    lengths: NDArray[np.int32]
    """(n_games,) plies."""
    terminations: NDArray[np.uint8]
    """(n_games,) index into `TERMINATIONS`."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token."""
    attempts: NDArray[np.int32]
    """(n_games,) candidates played for each game."""
    legal_values: NDArray[np.int16] | None
    legal_offsets: NDArray[np.int64] | None
    """(loss_mask.sum() + 1,) the legal moves, ascending; PAD alone where the game is over. With
    `legal_moves=True`."""
    legal_probabilities: NDArray[np.float64] | None
    """(legal_values.size,) the random player's probability of each: with N legal and M > 0 mating
    moves under a mate boost p, p / M + (1 - p) / N for a mating move and (1 - p) / N for another;
    else 1 / N. An outcome prefix and `discard_ply_limit` tell of the future: given those, play is
    no longer so distributed. With `legal_moves=True`."""
    mating_values: NDArray[np.int16] | None
    mating_offsets: NDArray[np.int64] | None
    """(loss_mask.sum() + 1,) the legal moves that mate. With `legal_moves=True` and a boost."""

def generate_training_batch(
    n_games: int,
    *,
    seed: int,
    first_game: int = 0,
    max_ply: int = 512,
    mate_boost: float = 0.0,
    discard_ply_limit: bool = False,
    vocabulary: str = "searchless",
    layout: str = "pure",
    width: int | None = None,
    legal_moves: bool = False,
    out: dict[str, NDArray[Any]] | None = None,
    threads: int | None = None,
) -> TrainingBatch:
    """Play random games and lay them out as training sequences.

    The games are those of `generate_random_games`, whose arguments these are.

    Args:
        layout: "pure" or "prefixed".
        width: tokens of a sequence, at least `max_ply` (`max_ply + 1` in "prefixed"); by default
            that of the arrays in `out`, else what the longest game needs.
        legal_moves: also return what the token after every supervised position was drawn from.
        out: arrays to write to instead of fresh ones, any of "inputs", "targets" (int64, int32 or
            int16) and "loss_mask" (bool): (n_games, W), C-contiguous, writable, apart in memory.
            Pinned memory of torch fits, through `tensor.numpy()`.

    Raises:
        ValueError: an argument is outside its range, or an array of `out` does not fit.
        MemoryError: the arrays do not fit into memory.
    """

@final
class Validation:
    """What replaying recorded games shows."""

    first_illegal: NDArray[np.int32]
    """(n_games,) ply of the first token that is not a legal move, -1 where all are. After a game
    has ended no move is legal. PAD, outcomes and numbers outside the vocabulary are not moves."""
    lengths: NDArray[np.int32]
    """(n_games,) plies given."""
    terminations: NDArray[np.uint8]
    """(n_games,) index into `TERMINATIONS`; unfinished where the game could go on and has room to,
    illegal_move where `first_illegal >= 0`."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token; -1 where unfinished or illegal."""

def validate_games(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> Validation:
    """Replay recorded games from the starting position.

    Args:
        tokens: (n_games, plies) int16, C-contiguous, moves only. A game as long as the array is
            wide has reached its ply limit.
        lengths: (n_games,) int32 plies of each game; by default everything before the trailing
            PADs, so that a PAD between moves counts as an illegal move.

    Raises:
        ValueError: wrong dtype, shape or layout; a length outside 0..=plies; unknown vocabulary.
    """

@final
class LegalTokens:
    """Sets of tokens as CSR: row `r` is `values[offsets[r]:offsets[r + 1]]`, ascending."""

    values: NDArray[np.int16]
    offsets: NDArray[np.int64]
    """(rows + 1,)"""

def compute_legal_moves(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> LegalTokens:
    """Return the legal moves before every ply of recorded games, `sum(lengths)` rows.

    The rows are those of `Games.legal_values`. Arguments as in `validate_games`.

    Raises:
        ValueError: bad arrays, or a token that is not a legal move: `tokens[game, ply]` is named.
    """

def compute_legal_token_masks_sparse(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    layout: str = "pure",
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> LegalTokens:
    """Return the tokens that may come next at every position of a sequence layout.

    Game `i` has `width` rows in the layout "pure" (`[m1 .. mN, PAD ..]`, whose position `t` has
    seen `t + 1` moves) and `width + 1` in "prefixed" (`[outcome, m1 .. mN, PAD ..]`, whose position
    `t` has seen `t` moves), where `width = tokens.shape[1]`. A row is the legal moves; from the
    position after a game's last move on it is PAD alone, so no row is empty. Arguments as in
    `validate_games`.

    Raises:
        ValueError: bad arrays, an unknown layout, or a token that is not a legal move:
            `tokens[game, ply]` is named.
    """

def compute_legal_token_masks(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    layout: str = "pure",
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> NDArray[np.bool_]:
    """Return `compute_legal_token_masks_sparse` as flags, (n_games, rows, vocabulary size).

    Raises:
        ValueError: as the sparse form.
        MemoryError: the array does not fit; use the sparse form.
    """

def count_legal_moves(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> NDArray[np.int16]:
    """Return the number of legal moves before every ply, shape of `tokens`; -1 after a game's end.

    Arguments and errors as in `compute_legal_moves`.
    """

@final
class PositionColumns:
    """One position a ply. T is the width of the token array; -1 everywhere after a game's end."""

    pieces: NDArray[np.int8]
    """(n_games, T, 64) by square, a1 = 0: 0 empty, 1-6 white P N B R Q K, 7-12 black."""
    side_to_move: NDArray[np.int8]
    """(n_games, T) 0 white, 1 black."""
    castling: NDArray[np.int8]
    """(n_games, T) rights held: K = 1, Q = 2, k = 4, q = 8."""
    en_passant: NDArray[np.int8]
    """(n_games, T) the square, where a capture is legal; else -1."""
    in_check: NDArray[np.int8]
    """(n_games, T) 1 where the side to move is in check."""
    halfmove_clock: NDArray[np.int16]
    """(n_games, T) plies since the last capture or pawn move."""
    material: NDArray[np.int8]
    """(n_games, T, 2, 5) number of pawns, knights, bishops, rooks, queens of white and black."""
    phase: NDArray[np.int8]
    """(n_games, T) game phase of tapered evaluation: minor pieces 1, rooks 2, queens 4, at most 24
    (the opening); 0 with kings and pawns only."""

@final
class BoardStates:
    """The boards of recorded games, as two views of the same memory."""

    before: PositionColumns
    """Index `t`: before ply `t` is played."""
    after: PositionColumns
    """Index `t`: after ply `t` is played, which is what a model has seen at token `t`."""

def extract_board_states(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> BoardStates:
    """Return what is on the board before and after every ply of recorded games.

    Arguments and errors as in `compute_legal_moves`.
    """

@final
class BatchGames:
    """Many games side by side, one ply at a time: for evaluations and rollouts.

    Any thread may call it; calls on one batch take turns, calls on several run at once.
    """

    n_games: int
    max_ply: int
    vocabulary: str
    tokens: NDArray[np.int16]
    """(n_games, max_ply) the moves played, PAD after a game's last. A copy, as all that follow."""
    lengths: NDArray[np.int32]
    """(n_games,) plies played."""
    terminations: NDArray[np.uint8]
    """(n_games,) index into `TERMINATIONS`; unfinished where the game goes on."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token; -1 where the game goes on."""
    side_to_move: NDArray[np.int8]
    """(n_games,) 0 white, 1 black."""

    def __new__(
        cls,
        n_games: int | None = None,
        *,
        fens: list[str] | None = None,
        max_ply: int = 512,
        vocabulary: str = "searchless",
        threads: int | None = None,
    ) -> Self:
        """Begin games from the starting position, or one from each FEN.

        Args:
            n_games: may be left out with `fens`.
            fens: first positions. Their halfmove clocks count for the 75-move rule; repetitions
                and the ply limit count from here.
            max_ply: plies after which a game is cut, 1..=20000.

        Raises:
            ValueError: an argument is outside its range, or `fens[i]` is no legal position.
            MemoryError: so many games do not fit.
        """

    def apply(self, moves: NDArray[np.int16]) -> None:
        """Play one move in every game.

        Args:
            moves: (n_games,) int16, C-contiguous: a legal token where the game goes on, PAD where
                it is over.

        Raises:
            ValueError: `moves[game]` is neither, for the first such game; then nothing is played.
        """

    def legal_tokens(self) -> LegalTokens:
        """Return a row a game: the tokens that `apply` takes, so PAD alone where it is over."""

    def legal_masks(self, out: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Return (n_games, vocabulary size): True where `apply` takes the token.

        Args:
            out: a writable C-contiguous array of that shape to overwrite and return. Fresh memory
                costs more than the masks: give the same array at every ply.

        Raises:
            ValueError: `out` is not such an array.
            MemoryError: a fresh array does not fit.
        """

    def fens(self) -> list[str]:
        """Return the positions, each with an en-passant square only where a capture is legal."""

    def reset(self, games: NDArray[np.int64] | None = None) -> None:
        """Begin games again from their first positions.

        Args:
            games: (k,) int64 indices, as `numpy.flatnonzero` gives them; by default all games.

        Raises:
            ValueError: `games[i]` is no index of a game; then nothing is begun again.
        """

@final
class EdgeCaseFlags:
    """Rare and instructive features of recorded games, as two views of the same memory.

    Values are sums of the bits in `EDGE_CASES`, 0 after a game's end. T is the width of the token
    array.
    """

    before: NDArray[np.uint64]
    """(n_games, T) of the position before ply `t` is played."""
    after: NDArray[np.uint64]
    """(n_games, T) of the position after ply `t` is played, which is what a model has seen at token
    `t`."""

def compute_edge_case_flags(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> EdgeCaseFlags:
    """Return which edge cases the position before and after every ply of recorded games is.

    Arguments and errors as in `compute_legal_moves`.
    """

@final
class DiagnosticSets:
    """Positions of random games by flag and side to move: sorted by flag, side and game."""

    flags: NDArray[np.uint64]
    """(n,) the bit of `EDGE_CASES` that each position was taken for; it may have others too."""
    side_to_move: NDArray[np.int8]
    """(n,) 0 white, 1 black."""
    games: NDArray[np.uint64]
    """(n,) the game's index under the seed."""
    tokens: NDArray[np.int16]
    """(n, longest) the moves that lead to the position, PAD after them."""
    lengths: NDArray[np.int32]
    """(n,) plies played, which is the position's ply in its game."""
    outcomes: NDArray[np.int16]
    """(n,) outcome token of the game."""
    legal_values: NDArray[np.int16]
    legal_offsets: NDArray[np.int64]
    """(n + 1,) what may come next, as CSR: the legal moves, ascending; PAD alone where the game is
    over."""
    n_games: int
    """Games looked at."""
    unfilled: dict[tuple[str, str], int]
    """(flag, "white" or "black") -> positions still missing after `max_games`."""

def generate_diagnostic_sets(
    quota: int | dict[str, int],
    *,
    seed: int,
    first_game: int = 0,
    max_games: int = 100_000,
    max_ply: int = 512,
    mate_boost: float = 0.0,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> DiagnosticSets:
    """Collect positions of random games by edge case, for either side to move.

    Games are looked at in order until every quota is full. A game gives at most one position for a
    flag and side: any of those it has, with equal chances. So a position depends on `seed`, its
    game, the rules, flag and side alone. The last position of a game counts only for the flags that
    say that it is over: checkmate, stalemate, seventy_five_moves, fivefold_repetition and
    insufficient_material.

    Args:
        quota: positions for each flag of `EDGE_CASES` and each side, 0..=1000000; or by name, and
            none for other flags.
        max_games: games to look at before giving up; `unfilled` then says what is missing.

    The other arguments are as in `generate_random_games`.

    Raises:
        ValueError: an argument is outside its range, or a flag is unknown.
        MemoryError: the positions do not fit into memory.
    """

@final
class PgnGames:
    """Real games as columns, in the order of the file."""

    tokens: NDArray[np.int16]
    """(n_games, max_ply) move tokens, PAD after the end."""
    lengths: NDArray[np.int32]
    """(n_games,) plies."""
    terminations: NDArray[np.uint8]
    """(n_games,) index into `TERMINATIONS`; unfinished where the players ended the game."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token: what the board says, else the result and why the game ended. That
    is the `Termination` tag in the words of Lichess, chess.com, ICC and FICS, else the comment
    behind the last move (`White resigns`), else a resignation or an agreement. A claimed
    repetition or 50 moves counts as agreed, time that ran out against a side that could not mate as
    draw by time, `Insufficient material` as draw by rule. -1 where abandoned, adjudicated, without
    a result, said in other words, or where the vocabulary has no such outcome."""
    scores: NDArray[np.int8]
    """(n_games,) 1 white won, 0 draw, -1 black won, 2 no result: what the moves end with, else the
    `Result` tag."""
    clocks: NDArray[np.float32] | None
    """(n_games, max_ply) seconds left to the mover after each ply (`%clk`); NaN where unknown."""
    evaluations: NDArray[np.float32] | None
    """(n_games, max_ply) pawns, for white, after each ply (`%eval`); infinite for a mate, NaN where
    unknown. None, as the clocks, with `annotations=False`."""
    white_elo: NDArray[np.int16]
    black_elo: NDArray[np.int16]
    """(n_games,) -1 where unknown."""
    numbers: NDArray[np.int64]
    """(n_games,) place of the game in the file, dropped games counted, from 0."""
    eco: list[str]
    time_controls: list[str]
    sites: list[str]
    white: list[str] | None
    black: list[str] | None
    """Names of the players."""
    white_titles: list[str] | None
    black_titles: list[str] | None
    """GM, IM, ... and BOT."""
    events: list[str] | None
    dates: list[str] | None
    """`UTCDate`, else `Date`, as written: 2024.01.31, unknown parts as question marks."""
    times: list[str] | None
    """`UTCTime`, else `Time`, as written. The lists from `white` on are None without `tags=True`; a
    missing tag is "" in all."""
    report: dict[str, int]
    """Games `read` from the file so far, `kept`, and dropped by reason, the first that applies:
    `variant` (Chess960 too), `custom_start`, with `drop_bots` also `bot`, `illegal_move` (ambiguous
    and null moves too), `moves_after_end` (of the game by the rules), `too_long` (over `max_ply`;
    nothing is cut), `empty` (no moves), `malformed`: a comment, variation or tag without an end, a
    word that is no move, moves that do not start at number 1 (the rest of a game that an empty line
    tore apart), a game of more than 16 MB. Text between games that has neither tags nor moves is no
    game."""

@final
class PgnReader:
    """Iterate over the games of a PGN file in batches and constant memory.

    The file is plain, or zstd, gzip or bzip2 by its first bytes, whatever its name.
    """

    report: dict[str, int]
    """As `PgnGames.report`, up to where reading has come."""

    def __new__(
        cls,
        path: str | PathLike[str],
        *,
        batch_size: int = 4096,
        max_ply: int = 512,
        vocabulary: str = "searchless",
        annotations: bool = True,
        tags: bool = False,
        drop_bots: bool = False,
        threads: int | None = None,
    ) -> Self:
        """Open a file.

        Read are games in PGN import format: comments, NAGs, variations, line comments (`;`),
        escaped lines (`%`), `1.e4` without a space, missing tags, either line break, byte order
        marks. A result ends a game, so does an empty line behind moves and outside a comment. Moves
        may be written in SAN, with or without `x`, `=` and check signs, in long algebraic notation
        (`Ng1-f3`, `e2e4`), castling also with zeros, pieces also as figurines. Signs of who stands
        better (`±`, `+-`, `□`) are skipped. Tags that are not UTF-8 are read as Latin-1.

        Args:
            max_ply: longer games are dropped and counted.
            annotations: also return clocks and evaluations, four fifths of the memory.
            tags: also return names, titles, events, dates and times.
            drop_bots: drop and count games of programs: a title BOT, `WhiteType "program"`,
                `WhiteIsComp "Yes"`.

        Raises:
            OSError: the file cannot be read or decompressed. Where that shows while iterating, the
                whole games before the place come first.
            ValueError: an argument is outside its range.
        """

    def __iter__(self) -> Self: ...
    def __next__(self) -> PgnGames: ...

def parse_pgn_file(
    path: str | PathLike[str],
    *,
    max_games: int | None = None,
    max_ply: int = 512,
    vocabulary: str = "searchless",
    annotations: bool = True,
    tags: bool = False,
    drop_bots: bool = False,
    threads: int | None = None,
) -> PgnGames:
    """Return the games of a PGN file at once; `PgnReader` is for large and for damaged files.

    All other arguments as in `PgnReader`.

    Args:
        max_games: stop after this many games were kept.

    Raises:
        OSError: the file cannot be read or decompressed.
        ValueError: an argument is outside its range.
    """

def pgn_to_tokens(
    pgn: str,
    *,
    max_ply: int = 512,
    vocabulary: str = "searchless",
    annotations: bool = True,
    tags: bool = False,
    drop_bots: bool = False,
    threads: int | None = None,
) -> PgnGames:
    """Return the games of a PGN text. Arguments and errors as in `parse_pgn_file`."""

@final
class FlatGames:
    """Real games as flat columns, in the order of the file, without padding."""

    tokens: NDArray[np.int16]
    """(sum of lengths,) move tokens; game `i` is `tokens[offsets[i]:offsets[i + 1]]`."""
    offsets: NDArray[np.int64]
    """(n_games + 1,)"""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token, as `PgnGames.outcomes`."""
    white_elo: NDArray[np.int16]
    black_elo: NDArray[np.int16]
    """(n_games,) -1 where unknown; "1850?" is 1850."""
    numbers: NDArray[np.int64]
    """(n_games,) place of the game in the file, dropped games counted, from 0."""
    digests: NDArray[np.uint64]
    """(n_games,) of the moves alone: BLAKE2b of 8 bytes, read as little-endian, of the moves as
    little-endian int16 tokens of "searchless", whatever the vocabulary."""
    bytes_read: int
    """Bytes of the file read so far, as they are stored; up to some MB ahead of these games."""
    report: dict[str, int]
    """What became of the games of the file up to the last one read for this batch: `read`, `kept`,
    and dropped by reason, the first that applies. By the tags, before the moves are looked at:
    `variant` (Chess960 too), `custom_start`, `bot`, `elo_unknown` (of either player, where Elo is
    asked for), `elo`, `time_control` (unknown too), `date` (unknown too, wholly or in part). Then
    `illegal_move`, `too_long` (over `max_ply`), `empty`, `malformed`, as in `PgnGames.report`;
    `too_short` (under `min_ply`), `no_outcome`. A game whose moves go on after the rules have ended
    it ends there: it is kept, and counted in `cut`. So `read` is `kept` and all other counts but
    `cut`."""
    place: dict[str, int]
    """Where the game behind the last one read stands, for `GameReader(start=...)`. JSON keeps it;
    what it holds is the reader's own."""

@final
class GameReader:
    """Iterate over the wanted games of a PGN file in flat batches and constant memory.

    The file is as for `PgnReader`, and so is what counts as a game. Tags decide first: the moves of
    a game that they drop are passed over, not read. Games, numbers, report and places are the same
    for any batch size, number of threads and place to go on from.
    """

    report: dict[str, int]
    """As `FlatGames.report`, up to where reading has come."""

    def __new__(
        cls,
        path: str | PathLike[str],
        *,
        batch_size: int = 4096,
        max_ply: int = 512,
        vocabulary: str = "searchless",
        min_ply: int = 1,
        elo_min: int | None = None,
        elo_max: int | None = None,
        time_control: str | None = None,
        date_min: str | None = None,
        date_max: str | None = None,
        drop_bots: bool = False,
        require_outcome: bool = True,
        start: Mapping[str, int] | None = None,
        threads: int | None = None,
    ) -> Self:
        """Open a file.

        Args:
            batch_size: games of a batch, at most. A batch also ends after 65,536 games read, and
                with the file; it may be empty, and the last one has the whole report.
            max_ply: longer games are dropped; one of just as many plies is whole.
            min_ply: shorter games are dropped.
            elo_min: of both players, in elo_min..elo_max without elo_max.
            time_control: one clock as `300+3`, or with commas between them any of ultrabullet,
                bullet, blitz, rapid, classical, correspondence. Which one a game is goes by the
                seconds at the start and 40 increments: below 30, 180, 480, 1500, 21600, or more. Of
                a `TimeControl` of several periods (`40/7200:3600`) seconds are added up, `300` has
                no increment, `-` is correspondence; `?`, hourglasses and other words are unknown.
            date_min: YYYY-MM-DD, in date_min..date_max without date_max, by `UTCDate`, else `Date`.
            drop_bots: drop games of programs, as in `PgnReader`.
            require_outcome: drop games without an outcome: abandoned, unfinished, `*`.
            start: the `place` of a batch that was read from the same file with the same arguments,
                `batch_size` and `threads` aside: go on with the game behind it. A plain file is
                read from there, a compressed one is decompressed up to there.

        Raises:
            OSError: the file cannot be read or decompressed, or ends before `start`. Where that
                shows while iterating, the whole games before the place come first.
            ValueError: an argument is outside its range.
        """

    def __iter__(self) -> Self: ...
    def __next__(self) -> FlatGames: ...

@final
class FlatChecks:
    """What replaying flat games shows."""

    first_illegal: NDArray[np.int32]
    """(n_games,) as `Validation.first_illegal`, with no ply limit."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token by the rules, after the moves before `first_illegal`; -1 where the
    game could go on. So a game with both is one whose moves go on after its end."""
    digests: NDArray[np.uint64]
    """(n_games,) of the moves before `first_illegal`, as `FlatGames.digests`."""

def check_flat_games(
    tokens: NDArray[np.int16],
    offsets: NDArray[np.int64],
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> FlatChecks:
    """Replay flat games from the starting position.

    Args:
        tokens: (plies,) int16, C-contiguous.
        offsets: (n_games + 1,) int64, C-contiguous; they need not start with 0. Game `i` is
            `tokens[offsets[i]:offsets[i + 1]]`.

    Raises:
        ValueError: wrong dtype, shape or layout; offsets outside `tokens` or not in order; unknown
            vocabulary.
    """

def match_time_controls(tags: Sequence[str], time_control: str) -> NDArray[np.bool_]:
    """Tell which values of `TimeControl` are wanted, as `GameReader` reads them.

    Args:
        tags: n of them, such as `300+3` or `-`.
        time_control: as of `GameReader`.

    Returns:
        (n,) bool; false where a tag is unknown.

    Raises:
        ValueError: `time_control` is neither one clock nor names of speeds.
    """

@final
class UciGames:
    """Games read from lines of UCI moves as columns, in the order of the file."""

    tokens: NDArray[np.int16]
    """(n_games, max_ply) move tokens, PAD after the end."""
    lengths: NDArray[np.int32]
    """(n_games,) plies."""
    terminations: NDArray[np.uint8]
    """(n_games,) index into `TERMINATIONS`; unfinished where the game could go on."""
    outcomes: NDArray[np.int16]
    """(n_games,) outcome token; -1 where unfinished."""
    numbers: NDArray[np.int64]
    """(n_games,) line of the game in the file, from 0."""
    report: dict[str, int]
    """Lines `read` from the file so far, `kept`, and dropped by reason, as in `PgnGames.report`:
    `illegal_move`, `moves_after_end`, `too_long`, `empty` (a line without words), `malformed` (a
    word that is no move)."""

@final
class UciReader:
    """Iterate over a file of UCI games, plain or compressed as in `PgnReader`, in batches and
    constant memory."""

    report: dict[str, int]
    """As `UciGames.report`, up to where reading has come."""

    def __new__(
        cls,
        path: str | PathLike[str],
        *,
        batch_size: int = 4096,
        max_ply: int = 512,
        vocabulary: str = "searchless",
        castling: str = "two_step",
        threads: int | None = None,
    ) -> Self:
        """Open a file with one game a line, moves apart by white space.

        Args:
            castling: "two_step", the king's two-step alone (`e1g1`; `e1h1` is an illegal move), or
                "king_takes_rook", both (`e1h1` as in Chess960).

        Raises:
            OSError: the file cannot be read or decompressed, as in `PgnReader`.
            ValueError: an argument is outside its range.
        """

    def __iter__(self) -> Self: ...
    def __next__(self) -> UciGames: ...

def parse_uci_file(
    path: str | PathLike[str],
    *,
    max_games: int | None = None,
    max_ply: int = 512,
    vocabulary: str = "searchless",
    castling: str = "two_step",
    threads: int | None = None,
) -> UciGames:
    """Return the games of a file of UCI moves at once; `UciReader` is for large files.

    All other arguments as in `UciReader`.

    Args:
        max_games: stop after this many games were kept.

    Raises:
        OSError: the file cannot be read or decompressed.
        ValueError: an argument is outside its range.
    """

def tokens_to_san(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> list[list[str]]:
    """Return the moves of recorded games in SAN, with check and mate signs.

    Arguments and errors as in `compute_legal_moves`.
    """

def tokens_to_uci(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    castling: str = "two_step",
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> list[list[str]]:
    """Return the moves of recorded games in UCI.

    Arguments and errors as in `compute_legal_moves`.

    Args:
        castling: "two_step" (`e1g1`) or "king_takes_rook" (`e1h1`, as in Chess960).
    """

def tokens_to_pgn(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> str:
    """Return recorded games as one PGN text, with the result the board shows ("*" for none).

    Arguments and errors as in `compute_legal_moves`.
    """

def legal_moves(fen: str) -> list[str]:
    """Return the legal moves in UCI, in ascending order of "searchless" tokens.

    Raises:
        ValueError: `fen` is not a legal position of standard chess.
    """

def apply(fen: str, uci: str) -> str:
    """Return the FEN after a legal move, its en-passant square set only where a capture is legal.

    Raises:
        ValueError: `fen` is not a legal position, or `uci` is not a legal move in it.
    """

def perft(fen: str, depth: int) -> int:
    """Count the legal move sequences of length `depth` (0..=8) from a position.

    Raises:
        ValueError: `fen` is not a legal position, or `depth` is out of range.
    """

@final
class Estimate:
    """A mean with its 95 % confidence interval, from resampling whole games."""

    value: float
    low: float
    high: float

@final
class Ceilings:
    """Mean ceilings on top-1 accuracy over one set of positions, as fractions."""

    n_positions: int
    """Positions of all games in the set."""
    unconditional: Estimate
    """1/N where N moves are legal: the best for a model that does not know how the game ends. Over
    all positions."""
    naive_conditioned: Estimate | None
    """1/N' where N' legal moves remain once those are left out that end the game at once in another
    outcome than it had: what a guess among the possible moves reaches, knowing the outcome. None
    where no position was sampled."""
    mc_lower: Estimate | None
    mc_upper: Estimate | None
    """The best for a model that knows the outcome, from rollouts behind each legal move. In
    `mc_upper` the same rollouts choose the move and judge it, which flatters it; in `mc_lower` one
    half chooses and the other judges, which is too low where it chooses wrong. The truth lies
    between their expected values. None without rollouts."""

@final
class AccuracyCeiling:
    """What top-1 accuracy the moves of random games allow."""

    vocabulary: str
    max_ply: int
    n_games: int
    n_sampled: int
    """Positions that were looked at knowing the outcome. Their mean gain on 1/N is added to the
    mean of 1/N over all positions."""
    n_unresolved: int
    """Sampled positions where no rollout ended as the game did; `mc_upper` counts 1 there, and
    `mc_lower` the value of `naive_conditioned`."""
    moves: Ceilings
    """Over the positions before each move: ply 0 counts, the end of a game does not."""
    prefixed: Ceilings
    """Over the supervised positions of `[outcome, m1 .. mN, PAD ..]`: those of `moves`, and the end
    of each game, where PAD is certain and the ceiling is 1."""
    pure_unconditional: Estimate
    """`unconditional` over the supervised positions of `[m1 .. mN, PAD ..]`: those of `prefixed`
    less ply 0. This is the bound on the top-1 that training reports."""

def compute_accuracy_ceiling(
    n_games: int,
    *,
    seed: int,
    max_ply: int | None = None,
    vocabulary: str = "searchless",
    sample_rate: float = 0.02,
    rollouts: int = 128,
    resamples: int = 1000,
    progress: Callable[[int, int], object] | None = None,
    threads: int | None = None,
) -> AccuracyCeiling:
    """Compute the ceilings on next-move accuracy over random games `0 .. n_games - 1` of `seed`.

    Play is uniform over the N legal moves, so a model that knows the game so far is right 1/N of
    the time at best. One that also knows the outcome (the first token of the prefixed layout) is
    right with the largest P(move | outcome), which is P(outcome | move) over its sum over the legal
    moves. Rollouts go on from the true game: its repetitions, halfmove clock and plies count.

    The result depends on all arguments but `progress` and `threads`. To be computed in parts, it is
    `combine_ceiling_sums` of what `compute_ceiling_sums` returns.

    Args:
        n_games: 1..=10000000.
        seed: 0..=2**64 - 1.
        max_ply: by default 512 in "searchless", 256 in "coordinate". It decides more than the
            vocabulary: both tell the same five outcomes of random games.
        sample_rate: share of the positions to look at knowing the outcome; 0 for none.
        rollouts: games played on behind each legal move of those positions, even, 0..=1000000; 0
            leaves out `mc_lower` and `mc_upper`. Their distance shrinks as rollouts grow.
        resamples: bootstrap resamples of the games, 1..=100000.
        progress: called with the games done and `n_games`, on the calling thread, a few times a
            second and at the end; what it raises ends the computation.

    Raises:
        ValueError: an argument is outside its range.
    """

def compute_ceiling_sums(
    n_games: int,
    *,
    seed: int,
    first_game: int = 0,
    max_ply: int | None = None,
    vocabulary: str = "searchless",
    sample_rate: float = 0.02,
    rollouts: int = 128,
    progress: Callable[[int, int], object] | None = None,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return what each of the games `first_game .. first_game + n_games - 1` adds to the ceilings.

    A game's row depends on `seed`, its index and the rules alone, so games may be computed in parts
    and their rows put together in order. Arguments as in `compute_accuracy_ceiling`.

    Returns:
        (n_games, 8): positions before a move; sum of 1/N over them, and over those after ply 0;
        sampled positions; sums over those of the gains on 1/N of `naive_conditioned`, `mc_lower`
        and `mc_upper`; sampled positions without a rollout that ended as the game did.

    Raises:
        ValueError: an argument is outside its range.
    """

def combine_ceiling_sums(
    sums: NDArray[np.float64],
    *,
    seed: int,
    max_ply: int | None = None,
    vocabulary: str = "searchless",
    rollouts: int = 128,
    resamples: int = 1000,
    threads: int | None = None,
) -> AccuracyCeiling:
    """Return the ceilings of games by their rows: bit for bit those computed in one go.

    Args:
        sums: (n_games, 8) float64, C-contiguous: rows of `compute_ceiling_sums`, in order of games.

    The other arguments are those that the rows were computed with, and `resamples`.

    Raises:
        ValueError: an argument is outside its range, or `sums` is no such array.
    """

@final
class TaskPositions:
    """Positions of random games, one for each number asked for. The game goes on after each."""

    fens: list[str]
    """In `apply`'s form: an en-passant square only where a capture is legal."""
    histories: list[list[str]]
    """The last moves before each position, at most 10, in UCI, oldest first."""
    plies: NDArray[np.int32]
    """(n,) moves played before."""
    strata: NDArray[np.uint16]
    """(n,) bits by `STRATA`: all that the position shows, however it was drawn."""
    men: NDArray[np.int8]
    """(n,) men on the board, kings included."""

def sample_positions(
    numbers: Sequence[int] | NDArray[np.integer],
    *,
    seed: int,
    min_ply: int = 0,
    max_ply: int = 200,
    hard_ratio: float = 0.0,
    men_max: int = 32,
) -> TaskPositions:
    """Draw the positions of these numbers of a seed.

    Position `i` of a seed depends on `seed`, `i` and the bounds, never on the other numbers, the
    batch or the machine. With probability `hard_ratio` one of `STRATA` is chosen, each with equal
    chances, and random games at the number's address are looked at until one has positions in it,
    at most 48; one of that game's positions is drawn. Otherwise, and where no such game was found,
    any position of the next game that meets the bounds. So the share of a rare stratum falls short
    of `hard_ratio / 8`; the flags always say what a position shows.

    Args:
        numbers: each 0..=2**63 - 1.
        seed: 0..=2**64 - 1.
        min_ply, max_ply: moves played before the position, 0..=10000.
        hard_ratio: 0..=1.
        men_max: the most men on the board, kings included, 2..=32.

    Raises:
        ValueError: an argument is outside its range, or a thousand games had no position within the
            bounds.
    """

@final
class TaskMoves:
    """Moves to ask about, one for each position."""

    ucis: list[str]
    kinds: NDArray[np.int8]
    """(n,) index into `ILLEGAL_KINDS`; -1 for a legal move."""

def sample_moves(
    fens: Sequence[str],
    numbers: Sequence[int] | NDArray[np.integer],
    *,
    seed: int,
    illegal_ratio: float = 0.0,
) -> TaskMoves:
    """Draw a move for each position, at the address of its number.

    With probability `illegal_ratio` an illegal one: a kind of `ILLEGAL_KINDS` that the position has
    moves of, with equal chances (with probability 1/2 among the first six, where it has any), and
    one of those moves. Otherwise a legal one: with probability 1/2, where the position has any, a
    move that puts it in one of the strata en_passant, castling, promotion, mate, stalemate (the
    stratum with equal chances, then the move); else any.

    Raises:
        ValueError: an argument is outside its range; a FEN is not a legal position or has no legal
            move, with its index and the reason.
    """

@final
class EnvironmentSteps:
    """What moves do."""

    fens: list[str]
    """The positions afterwards, in `apply`'s form; the same position after an illegal move."""
    rewards: NDArray[np.float64]
    """(n,) what the mover gets: 0.001 where the game goes on, 1.0 for mate, 0.5 for a draw, -1.0
    for an illegal move."""
    terminated: NDArray[np.bool_]
    """(n,) whether the game is over in the position afterwards: mate, stalemate, insufficient
    material, a halfmove clock of 150 or more, and where the whole game is known a fifth
    repetition."""
    truncated: NDArray[np.bool_]
    """(n,) whether the move is illegal."""
    legal: NDArray[np.bool_]
    """(n,) not `truncated`."""
    strata: NDArray[np.uint16]
    """(n,) what the move does, bits by `STRATA`: en_passant, castling, promotion, mate, stalemate;
    0 for an illegal move."""

def step_environment(
    fens: Sequence[str], ucis: Sequence[str], games: Sequence[Sequence[str]] | None = None
) -> EnvironmentSteps:
    """Make a move in each position, with full legality.

    A legal move is written as `legal_moves` writes it: castling as the king's two-step, promotions
    with q, r, b or n; any other text is an illegal move. A finished game still takes legal moves.
    An en-passant square without a legal capture is read and never written.

    Args:
        games: all moves from the starting position to each of `fens`, in UCI.

    Raises:
        ValueError: a FEN is not a legal position, or a game does not lead to it, with its index and
            the reason.
    """

def environment_rows(
    fens: Sequence[str], ucis: Sequence[str], histories: Sequence[Sequence[str]] | None = None
) -> tuple[list[str], list[str]]:
    """Return the prompts and the right completions of rows of the task `A:`.

    A prompt is "A: FEN+move+history+", where the history is the last nine of `histories` and the
    move; without `histories` it is "A: FEN+move+". A completion is
    "FEN+reward+terminated+truncated" by `step_environment`: rewards "0.001", "1.0", "0.5" or
    "-1.0", flags "0" or "1".

    Raises:
        ValueError: a FEN is not a legal position, or a move is not ASCII or has a blank or "+" in
            it, with its index and the reason.
    """

@final
class EnvironmentScores:
    """What completions of the task `A:` have right.

    A completion is cut at every "+"; whitespace around a field is dropped and runs of it in the FEN
    count as one blank (ASCII whitespace only). A field that is missing is not right.
    """

    parsed: NDArray[np.bool_]
    """(n,) whether there are exactly four fields."""
    fen_valid: NDArray[np.bool_]
    """(n,) whether the first field is a legal position as a FEN is written: six fields, castling
    rights in the order KQkq, counters without leading zeros, move numbers from 1. An en-passant
    square may stand after any double step, or only where there is a legal capture."""
    fen_exact: NDArray[np.bool_]
    """(n,) whether the first field is the right FEN, letter by letter."""
    fen_fields: NDArray[np.bool_]
    """(n, 6) whether each field of the FEN is right: men, side, castling, en passant, halfmove
    clock, move number. All False where the first field has more than six."""
    fen_similarity: NDArray[np.float64]
    """(n,) 1 - Levenshtein distance / length of the longer, in characters, of the first field and
    the right FEN."""
    reward_parsed: NDArray[np.bool_]
    """(n,) whether the second field is a decimal: ASCII digits with an optional minus sign and
    fraction; no exponent, no leading zeros, nothing beyond a float."""
    reward_error: NDArray[np.float64]
    """(n,) distance to the right reward; nan where not parsed."""
    reward_exact: NDArray[np.bool_]
    """(n,) whether that is at most 1e-6."""
    flags_parsed: NDArray[np.bool_]
    """(n,) whether the third and fourth field are "0" or "1" each."""
    terminated_right: NDArray[np.bool_]
    """(n,) whether the third field is the right flag."""
    truncated_right: NDArray[np.bool_]
    """(n,) whether the fourth field is the right flag."""
    exact: NDArray[np.bool_]
    """(n,) whether the whole completion is the right one once runs of whitespace are one blank and
    those at its ends are gone."""

def score_environment(
    fens: Sequence[str], ucis: Sequence[str], completions: Sequence[str]
) -> EnvironmentScores:
    """Score a completion for each position and move against what `step_environment` says.

    Any text is scored. Completions of one question are fastest next to each other.

    Raises:
        ValueError: a FEN is not a legal position, with its index and the reason; or the arguments
            differ in length.
    """

def policy_prompts(fens: Sequence[str], *, native: bool = False) -> list[str]:
    """Return prompts of the task `P:`: "P: FEN M:", with the FEN in a column of 90 where native.

    Raises:
        ValueError: a FEN is not a legal position, with its index and the reason.
    """

def policy_rows(
    fens: Sequence[str],
    analyses: Sequence[Sequence[tuple[str, int]]],
    numbers: Sequence[int] | NDArray[np.integer],
    *,
    seed: int,
    native: bool = False,
) -> tuple[list[str], list[str]]:
    """Return the prompts and the right completions of rows of the task `P:`.

    A completion is " moves E: evaluations B: best" and begins with a blank. Evaluations are pawns,
    as Python writes `centipawns / 100`, for the side to move; moves and evaluations are in one
    order, drawn at the address of the row's number; the best is the analysis's first, for both
    sides. Native columns are 90 (FEN), 30 and 40 wide, so a row is 176 or 177 characters; otherwise
    one blank stands between words.

    Args:
        analyses: moves in UCI with centipawns for the side to move, best first, at least one.

    Raises:
        ValueError: a FEN is not a legal position; an analysis is empty, or has a move that is not
            legal or stands there twice, with its index and the reason.
    """

@final
class PolicyScores:
    """What completions of the task `P:` have right, against an analysis.

    A completion is read as words between whitespace: moves up to "E:", evaluations up to "B:", then
    the best move. A listed move counts where it stands first.
    """

    parsed: NDArray[np.bool_]
    """(n,) whether `markers` and every word is what its section holds: moves in UCI (at least one),
    decimals as in `EnvironmentScores.reward_parsed`, and one best move."""
    markers: NDArray[np.bool_]
    """(n,) whether "E:" and "B:" stand there once each and in this order."""
    moves: NDArray[np.int32]
    """(n,) words of the moves' section that are moves in UCI, legal or not."""
    evals: NDArray[np.int32]
    """(n,) words of the evaluations' section that are decimals."""
    wanted: NDArray[np.int32]
    """(n,) moves of the analysis."""
    counts_equal: NDArray[np.bool_]
    """(n,) whether `moves` and `evals` are equal and not 0."""
    legal: NDArray[np.float64]
    """(n,) different legal moves / words of the moves' section; 0.0 where there are none."""
    best_legal: NDArray[np.bool_]
    """(n,) whether there is one best move and it is legal."""
    best_rank: NDArray[np.int32]
    """(n,) the best move's place in the analysis, 0 for the engine's own; -1 for a legal move that
    is not in it, -2 for an illegal one or none."""
    best_in_listed: NDArray[np.bool_]
    """(n,) whether the best move is one of the moves listed."""
    hits: NDArray[np.int32]
    """(n,) moves of the analysis that are listed."""
    jaccard: NDArray[np.float64]
    """(n,) `hits` / moves that are listed or in the analysis."""
    evals_compared: NDArray[np.int32]
    """(n,) listed moves whose evaluation can be compared: it is written at the same place of its
    section, and the true one is in the analysis or `evaluations`."""
    eval_error: NDArray[np.float64]
    """(n,) their mean absolute error in pawns; nan where there are none."""
    eval_sign_errors: NDArray[np.int32]
    """(n,) those of them with the wrong sign where the true evaluation is beyond 0.2 pawns."""
    eval_within_one: NDArray[np.int32]
    """(n,) those of them within a pawn."""
    eval_closeness: NDArray[np.float64]
    """(n,) mean of max(0, 1 - error in pawns) over the moves of the analysis, 0 for one that is not
    listed or has no evaluation; divided by the words of the longer section where those are more."""
    exact: NDArray[np.bool_]
    """(n,) whether `parsed` and the moves are those of the analysis with their evaluations, in any
    order, and the best move is the engine's."""

def score_policy(
    fens: Sequence[str],
    completions: Sequence[str],
    analyses: Sequence[Sequence[tuple[str, int]]],
    evaluations: Sequence[Sequence[tuple[str, int]]] | None = None,
) -> PolicyScores:
    """Score a completion for each position against its analysis. Any text is scored.

    Args:
        analyses: as in `policy_rows`.
        evaluations: moves that the analysis need not list, with centipawns for the side to move.

    Raises:
        ValueError: as in `policy_rows`; or the arguments differ in length.
    """

@final
class EncodedPositions:
    """Positions as planes of a board network, their legal moves, and seven targets.

    Grids are [row, column] with row 0 = rank 8 and column 0 = file a (flat index = square XOR 56,
    a1 = 0); colours are absolute. A man *attacks* by geometry: pinned men attack, defended squares
    count, pawns attack their diagonals only, nothing is seen through a man, kings included.
    """

    planes: NDArray[np.uint8]
    """(n, 19, 8, 8) 0 or 1 but for the last two: 0-5 white P N B R Q K, 6-11 black; 12 all 1 where
    White is to move; 13-16 all 1 for the castling rights K, Q, k, q; 17 min(halfmove clock, 99)
    everywhere and 18 min(fullmove number, 199): raw, a network divides by 99 and 199. No en-passant
    square and no history."""
    side_to_move: NDArray[np.uint8]
    """(n,) 1 white, 0 black: what plane 12 says, unlike `BoardStates.side_to_move`."""
    legal_moves: NDArray[np.int16] | None
    legal_offsets: NDArray[np.int64] | None
    """(n + 1,) the legal moves as CSR of policy indices, ascending: row `r` is
    `legal_moves[legal_offsets[r]:legal_offsets[r + 1]]`, empty where the game is over. None with
    `legal=False`."""
    piece: NDArray[np.uint8] | None
    """(n, 8, 8) 0-5 white P N B R Q K, 6-11 black, 12 empty."""
    threat: NDArray[np.uint8] | None
    """(n, 8, 8) 1 on squares that the opponent of the side to move attacks."""
    pin: NDArray[np.uint8] | None
    """(n, 8, 8) 1 on men of the side to move, its king aside, that alone stand between their king
    and an enemy bishop, rook or queen on its line, whether or not they can move along it."""
    fork: NDArray[np.uint8] | None
    """(n, 8, 8) 1 on men of the side to move other than pawns, its king included, that attack at
    least two enemy men of any kind."""
    control: NDArray[np.uint8] | None
    """(n, 8, 8) 2 where more white men than black ones attack the square, 0 where fewer, 1 where as
    many: the sign + 1."""
    pawn_structure: NDArray[np.uint8] | None
    """(n, 8, 8, 8) eight planes of 0 and 1, 2 to 5 for the pawns of both colours: 0 white pawns;
    1 black pawns; 2 isolated (no own pawn on a neighbouring file); 3 doubled (another own pawn on
    the file, all of them marked); 4 passed (no enemy pawn ahead on its file or a neighbouring one,
    whatever own pawns stand there); 5 king shield (one or two ranks ahead of the own king, on its
    file or a neighbouring one); 6 open files (no pawns), all eight squares; 7 semi-open files
    (pawns of exactly one colour), all eight squares."""
    king_safety: NDArray[np.uint8] | None
    """(n, 8, 8) min(2, enemy men that attack the square) on the up to eight neighbours of the king
    of the side to move; `IGNORED` elsewhere, on the king's own square too."""

    def target(self, name: str) -> NDArray[np.uint8]:
        """Return the target of a task by its name in `POSITION_TASKS`.

        Raises:
            ValueError: there is no such task, or the positions were encoded with `targets=False`.
        """

def encode_positions(
    fens: Sequence[str],
    *,
    kinds: Sequence[int] | NDArray[np.integer] | None = None,
    targets: bool = True,
    legal: bool = True,
    threads: int | None = None,
) -> EncodedPositions:
    """Encode positions, with the seven targets and the legal moves unless told otherwise.

    Args:
        kinds: as in `transform_fens`: what is encoded is the image of each position.

    Raises:
        ValueError: a FEN is not a legal position (both kings stand, the side to move cannot take
            the other's), or its kind is not 0..=3 or a mirror where it has castling rights; with
            its index and the reason.
    """

def encode_game_positions(
    tokens: NDArray[np.int16],
    lengths: NDArray[np.int32] | None = None,
    *,
    rows: Sequence[int] | NDArray[np.integer],
    plies: Sequence[int] | NDArray[np.integer],
    targets: bool = True,
    legal: bool = True,
    vocabulary: str = "searchless",
    threads: int | None = None,
) -> EncodedPositions:
    """Encode positions of recorded games: position `i` is that after `plies[i]` moves of game
    `rows[i]`, in any order and as often as wanted.

    What comes out is what `encode_positions` makes of the position's FEN. Games are replayed up to
    the last ply wanted of each. `tokens` and `lengths` as in `validate_games`.

    Raises:
        ValueError: bad arrays, a game or ply that is not there, or a token on the way that is not a
            legal move: `tokens[game, ply]` is named.
    """

def policy_indices(
    fens: Sequence[str], moves: Sequence[Sequence[str]]
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return the policy indices of moves of each position, as CSR in the order of the moves.

    Moves are written as `legal_moves` writes them: castling as the king's two-step, promotions with
    q, r, b or n.

    Raises:
        ValueError: a FEN is not a legal position, or a move is not legal in it; with its index.
    """

def policy_moves(fens: Sequence[str], indices: Sequence[int] | NDArray[np.integer]) -> list[str]:
    """Return the legal move of a policy index in each position, in UCI.

    Raises:
        ValueError: a FEN is not a legal position, or the index is not that of a legal move in it,
            with its index: no other move is put in its place.
    """

def transform_fens(fens: Sequence[str], kinds: Sequence[int] | NDArray[np.integer]) -> list[str]:
    """Return the image of each position under its kind, in `apply`'s form.

    Kinds are 0 none, 1 mirror, 2 colour flip, 3 both. A mirror turns file a into file h; with
    castling rights the image would play by other rules, and is refused. A colour flip turns rank 1
    into rank 8 and swaps the colours of men, side to move and rights: the same game from the other
    seat. Counters stay, and so do values for the side to move. `POLICY_TRANSFORMS` does the same to
    moves.

    Raises:
        ValueError: a FEN is not a legal position, or its kind is not 0..=3 or a mirror where it has
            castling rights; with its index and the reason.
    """

def may_mirror(fens: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether each position may be mirrored: whether no castling right is held.

    Raises:
        ValueError: a FEN is not a legal position, with its index and the reason.
    """
