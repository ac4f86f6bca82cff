//! A game played move by move, from any position, on the rules of the playout.

use shakmaty::{Chess, Color, Position};

use crate::error::Error;
use crate::outcome::Termination;
use crate::rng::{Draw, GameRng, Probability};
use crate::vocabulary::Vocabulary;

use super::isa::TokenRow;
#[cfg(target_arch = "x86_64")]
use super::isa::{Bmi2, has_bmi2};
use super::isa::{Isa, Portable};
use super::legal::LegalMoves;
use super::place::Place;
use super::repetition::Repetition;
use super::tables::TABLES;
use super::{End, Rules, mates};

/// A token that is not a legal move where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalToken {
    pub ply: usize,
    pub token: i16,
}

impl IllegalToken {
    pub fn in_game(self, game: usize) -> Error {
        Error::IllegalToken {
            game,
            ply: self.ply,
            token: self.token,
        }
    }
}

/// A position, its legal moves, and what the game remembers for repetition. Nothing in it is on the
/// heap.
#[derive(Clone)]
pub struct Walk {
    place: Place,
    repetition: Repetition,
    /// Whether the position is on the board for the fifth time.
    is_fifth: bool,
    ply: usize,
    /// Plies before this game by the move number of its first position.
    plies_before: usize,
}

impl Walk {
    /// A game from the starting position.
    pub fn start() -> Walk {
        Walk::from_position(&Chess::new())
    }

    /// A game from this position, which keeps its halfmove clock; repetitions count from here.
    pub fn from_position(position: &Chess) -> Walk {
        let mut walk = Walk {
            place: Place::new(position),
            repetition: Repetition::new(),
            is_fifth: false,
            ply: 0,
            plies_before: plies_before(position),
        };
        walk.remember();
        walk
    }

    /// The position.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the position is on the board for the fifth time, or more often.
    pub fn is_fifth(&self) -> bool {
        self.is_fifth
    }

    /// Plies played.
    pub fn ply(&self) -> usize {
        self.ply
    }

    /// The side to move.
    pub fn turn(&self) -> Color {
        self.place.turn()
    }

    pub fn is_check(&self) -> bool {
        self.place.is_check()
    }

    /// The number of legal moves.
    pub fn n_legal(&self) -> usize {
        self.place.n_legal()
    }

    /// The tokens of the legal moves, ascending.
    #[inline]
    pub fn tokens<'a>(&self, vocabulary: &Vocabulary, row: &'a mut TokenRow) -> &'a [i16] {
        self.place.tokens(vocabulary, row)
    }

    /// Whether the token is a legal move; the rules that end a game without mate or stalemate are
    /// not asked.
    pub fn is_legal(&self, token: i16, vocabulary: &Vocabulary) -> bool {
        self.place.legal_step(token, vocabulary).is_some()
    }

    /// Play a move, or say that it is illegal and change nothing.
    pub fn play(&mut self, token: i16, vocabulary: &Vocabulary) -> Result<(), IllegalToken> {
        let ply = self.ply;
        let step = self.place.legal_step(token, vocabulary);
        self.place.play(step.ok_or(IllegalToken { ply, token })?);
        self.ply += 1;
        self.remember();
        Ok(())
    }

    /// Why the game is over, at this ply limit.
    pub fn termination(&self, max_ply: usize) -> Option<Termination> {
        self.place.termination(self.ply >= max_ply, self.is_fifth)
    }

    /// Play at random from here to the end, as [`play`](super::play) does. The ply limit counts
    /// the plies of the whole game.
    pub fn rollout(&mut self, rules: &Rules, rng: &mut GameRng) -> End {
        #[cfg(target_arch = "x86_64")]
        if has_bmi2() {
            // SAFETY: the CPU has the features.
            return unsafe { rollout_bmi2(self, rules, rng) };
        }
        self.rollout_with::<Portable>(rules, rng)
    }

    /// The position as FEN, with an en-passant square only where a legal capture exists.
    pub fn fen(&self) -> String {
        self.place.fen(self.plies_before + self.ply)
    }

    #[inline(always)]
    fn remember(&mut self) {
        let Place { board, legal, .. } = &self.place;
        self.is_fifth = self.repetition.is_fifth(board, legal.en_passant);
    }

    #[inline(always)]
    fn rollout_with<I: Isa>(&mut self, rules: &Rules, rng: &mut GameRng) -> End {
        let termination = loop {
            if let Some(termination) = self.termination(rules.max_ply) {
                break termination;
            }
            match self.place.side {
                0 => self.place.make_random::<I, 0>(rules.mate_boost, rng),
                _ => self.place.make_random::<I, 1>(rules.mate_boost, rng),
            }
            self.ply += 1;
            self.remember();
        };
        End {
            length: self.ply,
            termination,
            to_move: self.turn(),
        }
    }
}

impl Place {
    #[inline(always)]
    fn make_random<I: Isa, const US: usize>(&mut self, mate_boost: Probability, rng: &mut GameRng) {
        let draw = Draw::next(rng);
        let mut mating = Vec::new();
        if mate_boost != Probability::ZERO && draw.coin(mate_boost) {
            let replies = &mut LegalMoves::new();
            mating = mates::find::<I, US>(&mut self.board, &self.legal, replies, &TABLES);
        }
        let step = match mating.len() as u32 {
            0 => self.legal.nth::<I>(draw.index(self.legal.len(), rng)),
            n => mating[draw.index(n, rng) as usize],
        };
        self.board.make::<US>(&TABLES, step);
        self.side = 1 - US;
        self.find_with::<I>();
    }
}

/// Plies before a position by its move number.
pub(super) fn plies_before(position: &Chess) -> usize {
    let moves = position.fullmoves().get() as usize - 1;
    2 * moves + position.turn().fold_wb(0, 1)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,popcnt")]
fn rollout_bmi2(walk: &mut Walk, rules: &Rules, rng: &mut GameRng) -> End {
    walk.rollout_with::<Bmi2>(rules, rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Address;

    #[test]
    fn a_rollout_without_special_instructions_is_the_same() {
        let rules = Rules {
            max_ply: 300,
            mate_boost: Probability::new(0.1).unwrap(),
            vocabulary: Vocabulary::canonical(),
        };
        for index in 0..20 {
            let address = Address {
                seed: 9,
                index,
                attempt: 0,
            };
            let (mut walk, mut portable) = (Walk::start(), Walk::start());
            let end = walk.rollout(&rules, &mut GameRng::new(address));
            let same = portable.rollout_with::<Portable>(&rules, &mut GameRng::new(address));
            assert_eq!((end, walk.fen()), (same, portable.fen()));
        }
    }
}
