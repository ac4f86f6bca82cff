//! Chess rules, game generation and tokens for PAWN lab.
//!
//! Logic modules know nothing of Python; `py` checks arguments, releases the GIL and converts.

pub mod batch;
pub mod buffers;
pub mod ceiling;
pub mod csr;
pub mod diagnostics;
pub mod digest;
pub mod error;
pub mod flags;
pub mod game;
pub mod generate;
pub mod king;
pub mod masks;
pub mod notation;
pub mod outcome;
pub mod pgn;

pub mod planes;
pub mod playout;
pub mod position;
pub mod random_games;
pub mod replay;
pub mod rng;
pub mod states;
pub mod tasks;
pub mod threads;
pub mod training;
pub mod vocabulary;

#[cfg(feature = "python")]
mod py;
