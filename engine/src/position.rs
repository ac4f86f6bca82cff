//! Single positions, as FEN.

use shakmaty::fen::Fen;
use shakmaty::{CastlingMode, Chess, EnPassantMode, Move, Position};

use crate::error::{Error, Result};
use crate::threads::Workers;
use crate::vocabulary::{TokenMove, Vocabulary};

/// The deepest [`perft`]: some minutes from the starting position.
pub const MAX_PERFT_DEPTH: u64 = 8;
/// Some milliseconds of [`perft`].
const UNCHECKED_DEPTH: u32 = 3;

/// Read a FEN of standard chess.
pub fn parse_fen(fen: &str) -> Result<Chess> {
    let error = |reason: String| Error::Fen {
        fen: fen.to_owned(),
        reason,
    };
    let parsed: Fen = fen.parse().map_err(|e| error(format!("{e}")))?;
    parsed
        .into_position(CastlingMode::Standard)
        .map_err(|e| error(format!("{e}")))
}

/// The position of item `index` of the argument `fens`.
pub fn position_at(index: usize, fen: &str) -> Result<Chess> {
    parse_fen(fen).map_err(|error| match error {
        Error::Fen { fen, reason } => {
            let reason = format!("not a legal chess position: {reason}");
            Error::item("fens", index, fen, reason)
        }
        other => other,
    })
}

/// Write a FEN, with an en-passant square only where a legal capture exists.
pub fn to_fen(position: &Chess) -> String {
    Fen::from_position(position, EnPassantMode::Legal).to_string()
}

/// The legal moves in UCI, in canonical order.
///
/// ```
/// let fen = "7k/P7/8/8/8/8/8/K7 w - - 0 1";
/// let moves = chess_engine::position::legal_moves(fen).unwrap();
/// assert_eq!(moves, ["a1b1", "a1a2", "a1b2", "a7a8q", "a7a8r", "a7a8b", "a7a8n"]);
/// ```
pub fn legal_moves(fen: &str) -> Result<Vec<String>> {
    Ok(uci_moves(&parse_fen(fen)?))
}

/// The FEN after a legal move.
///
/// ```
/// let fen = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
/// let after = chess_engine::position::apply(fen, "e2e4").unwrap();
/// assert_eq!(after, "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1");
/// assert!(chess_engine::position::apply(fen, "e2e5").is_err());
/// ```
pub fn apply(fen: &str, uci: &str) -> Result<String> {
    let mut position = parse_fen(fen)?;
    let legal = position.legal_moves();
    let wanted = legal.iter().find(|m| uci_of((**m).into()) == uci);
    let Some(&m) = wanted else {
        return Err(Error::Move {
            uci: uci.to_owned(),
            fen: fen.to_owned(),
            allowed: uci_moves(&position).join(" "),
        });
    };
    position.play_unchecked(m);
    Ok(to_fen(&position))
}

/// Count the move sequences of this length.
pub fn perft(fen: &str, depth: u32, workers: &Workers) -> Result<u64> {
    count_sequences(&parse_fen(fen)?, depth, workers)
}

fn count_sequences(position: &Chess, depth: u32, workers: &Workers) -> Result<u64> {
    workers.check()?;
    if depth <= UNCHECKED_DEPTH {
        return Ok(shakmaty::perft(position, depth));
    }
    let after = |&m: &Move| {
        let mut position = position.clone();
        position.play_unchecked(m);
        count_sequences(&position, depth - 1, workers)
    };
    position.legal_moves().iter().map(after).sum()
}

fn uci_moves(position: &Chess) -> Vec<String> {
    let mut moves: Vec<TokenMove> = position.legal_moves().iter().map(|&m| m.into()).collect();
    moves.sort_unstable_by_key(|&m| Vocabulary::canonical().token(m));
    moves.into_iter().map(uci_of).collect()
}

fn uci_of(m: TokenMove) -> String {
    m.uci().to_string()
}
