//! The one error of the engine.

use thiserror::Error;

/// Everything a caller can get wrong. The message names the argument, the value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    #[error("vocabulary {name:?} is unknown; one of: {allowed}")]
    UnknownVocabulary { name: String, allowed: String },

    #[error("{argument} must be {expected}, got {got}")]
    OutOfRange {
        argument: &'static str,
        expected: String,
        got: String,
    },

    #[error("{argument}[{index}] = {value:?}: {reason}")]
    Item {
        argument: &'static str,
        index: usize,
        value: String,
        reason: String,
    },

    #[error("fen {fen:?} is not a legal chess position: {reason}")]
    Fen { fen: String, reason: String },

    #[error("uci {uci:?} is not a legal move in {fen:?}; one of: {allowed}")]
    Move {
        uci: String,
        fen: String,
        allowed: String,
    },

    #[error("tokens[{game}, {ply}] = {token} is not a legal move there")]
    IllegalToken { game: usize, ply: usize, token: i16 },

    #[error("moves[{game}] = {token}: {reason}")]
    RefusedMove {
        game: usize,
        token: i16,
        reason: String,
    },

    #[error("{path:?} cannot be read: {reason}")]
    Read { path: String, reason: String },

    #[error("{argument} needs {bytes} bytes, more than this machine can allocate")]
    TooLarge { argument: &'static str, bytes: u128 },

    #[error("interrupted")]
    Interrupted,

    #[error(
        "chess_engine was imported before this process was forked, and its threads do not survive \
         a fork; start workers with the 'spawn' method (multiprocessing_context=\"spawn\"), or \
         pass threads=1"
    )]
    Forked,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An argument outside its allowed set.
    pub fn out_of_range(
        argument: &'static str,
        expected: impl ToString,
        got: impl ToString,
    ) -> Error {
        Error::OutOfRange {
            argument,
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// An item of a sequence that cannot be taken.
    pub fn item(
        argument: &'static str,
        index: usize,
        value: impl ToString,
        reason: impl ToString,
    ) -> Error {
        Error::Item {
            argument,
            index,
            value: value.to_string(),
            reason: reason.to_string(),
        }
    }
}
