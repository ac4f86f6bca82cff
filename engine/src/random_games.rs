//! Which games of the random player: what every generator is asked for.

use std::ops::Range;

use crate::playout::{self, Choices, End, Rules};
use crate::rng::Address;

/// Games of one random player.
#[derive(Clone)]
pub struct RandomGames {
    pub seed: u64,
    /// Addresses under the seed.
    pub games: Range<u64>,
    pub rules: Rules,
}

impl RandomGames {
    pub fn n_games(&self) -> usize {
        (self.games.end - self.games.start) as usize
    }

    /// Where the draws of an attempt at a game come from.
    pub fn address(&self, index: u64, attempt: u64) -> Address {
        Address {
            seed: self.seed,
            index,
            attempt,
        }
    }

    /// Play an attempt at a game into `tokens`: see [`playout::play`].
    pub fn play(
        &self,
        index: u64,
        attempt: u64,
        tokens: &mut [i16],
        choices: Option<&mut Choices>,
    ) -> End {
        playout::play(self.address(index, attempt), &self.rules, tokens, choices)
    }
}
