//! The text tasks of RookWorld: `P:` asks for an analysis of a position, `A:` for what a move does.
//!
//! Positions and moves with an address, the rows that are learnt, and what a completion is worth.
//! Texts are hostile: anything is scored and nothing panics.

pub mod asked;
pub mod environment;
pub mod environment_score;
pub mod policy;
pub mod policy_score;
pub mod positions;
pub mod pseudo;
pub mod strata;
pub mod text;

use crate::rng::{Address, GameRng};

/// The streams of a number of a seed, far above the attempts of the games at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// The order in which a row lists the moves of an analysis.
    Order = 1 << 61,
    /// The move that is asked about.
    Asked = 1 << 62,
    /// The position; its games are the attempts after this one.
    Position = 1 << 63,
}

impl Stream {
    pub fn of(self, seed: u64, number: u64) -> GameRng {
        GameRng::new(Address {
            seed,
            index: number,
            attempt: self as u64,
        })
    }
}
