//! One random game: the hot path of the whole project.
//!
//! Rules of their own instead of shakmaty's, for speed, and tested to play the very games that
//! shakmaty plays (`tests/playout.rs`). What makes it fast: legal moves are only counted, as one
//! bitboard of targets a piece (`legal`); every piece is looked up in the same branch-free way
//! (`tables`); the drawn move is the k-th bit of those bitboards; and only that move is ever built
//! and made (`board`).

mod bits;
mod board;
mod isa;
mod legal;
mod mates;
mod packed;
mod place;
mod repetition;
mod san;
mod tables;
mod walk;

use std::marker::PhantomData;
use std::sync::LazyLock;

use shakmaty::Color;

use crate::csr::TokenRows;
use crate::error::Result;
use crate::outcome::Termination;
use crate::rng::{Address, Draw, GameRng, Probability};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

use board::Board;
#[cfg(target_arch = "x86_64")]
use isa::{Avx512, Bmi2};
pub use isa::{Instructions, TokenRow};
use isa::{Isa, Portable};
use legal::LegalMoves;
pub use packed::PackedGame;
pub use place::Place;
use repetition::Repetition;
pub use san::{San, SanGame};
use tables::{TABLES, Tables};
pub use walk::{IllegalToken, Walk};

/// How random games are played and written.
#[derive(Clone, Copy)]
pub struct Rules {
    /// No game is longer.
    pub max_ply: usize,
    /// Where mating moves exist, the probability of playing one of them (uniformly), else any legal
    /// move is played (uniformly).
    pub mate_boost: Probability,
    /// The vocabulary of the tokens. It does not change the game.
    pub vocabulary: &'static Vocabulary,
}

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub length: usize,
    pub termination: Termination,
    /// The side that would move next.
    pub to_move: Color,
}

/// What the next move was drawn from, ply by ply.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The legal moves.
    pub legal: TokenRows,
    /// The legal moves that mate; no rows where the rules have no mate boost.
    pub mating: TokenRows,
}

impl Choices {
    /// Append the plies of the parts: see [`TokenRows::append_all`].
    pub fn append_all(&mut self, parts: &[Choices], share: f64, workers: &Workers) -> Result<()> {
        let legal: Vec<_> = parts.iter().map(|part| &part.legal).collect();
        let mating: Vec<_> = parts.iter().map(|part| &part.mating).collect();
        self.legal.append_all(&legal, share, workers)?;
        self.mating.append_all(&mating, share, workers)
    }

    /// Drop all but the first plies.
    pub fn truncate(&mut self, n_plies: usize) {
        self.legal.truncate(n_plies);
        self.mating.truncate(n_plies.min(self.mating.n_rows()));
    }
}

/// Play the game of this address into `tokens` (one a ply, the rest untouched), and append its
/// choices where asked.
pub fn play(
    address: Address,
    rules: &Rules,
    tokens: &mut [i16],
    choices: Option<&mut Choices>,
) -> End {
    play_with(Instructions::best(), address, rules, tokens, choices)
}

/// [`play`] with the chosen instructions, which this CPU has.
pub fn play_with(
    instructions: Instructions,
    address: Address,
    rules: &Rules,
    tokens: &mut [i16],
    choices: Option<&mut Choices>,
) -> End {
    assert!(instructions.are_available(), "no {instructions:?} here");
    match instructions {
        // SAFETY: the CPU has the features.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { play_avx512(address, rules, tokens, choices) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Bmi2 => unsafe { play_bmi2(address, rules, tokens, choices) },
        _ => Playout::<Portable>::play(address, rules, tokens, choices),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn play_avx512(
    address: Address,
    rules: &Rules,
    tokens: &mut [i16],
    choices: Option<&mut Choices>,
) -> End {
    Playout::<Avx512>::play(address, rules, tokens, choices)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn play_bmi2(
    address: Address,
    rules: &Rules,
    tokens: &mut [i16],
    choices: Option<&mut Choices>,
) -> End {
    Playout::<Bmi2>::play(address, rules, tokens, choices)
}

/// The starting position.
static START: LazyLock<Board> = LazyLock::new(Board::start);

/// A game being played.
struct Playout<'a, I> {
    rules: &'a Rules,
    tables: &'static Tables,
    board: Board,
    legal: LegalMoves,
    /// Scratch space of the search for mates.
    replies: LegalMoves,
    /// Scratch space of the tokens of a position.
    row: TokenRow,
    repetition: Repetition,
    rng: GameRng,
    ply: usize,
    isa: PhantomData<I>,
}

impl<I: Isa> Playout<'_, I> {
    #[inline(always)]
    fn play(
        address: Address,
        rules: &Rules,
        tokens: &mut [i16],
        choices: Option<&mut Choices>,
    ) -> End {
        let mut playout = Playout::<I> {
            rules,
            tables: &TABLES,
            board: START.clone(),
            legal: LegalMoves::new(),
            replies: LegalMoves::new(),
            row: [0; 256],
            repetition: Repetition::new(),
            rng: GameRng::new(address),
            ply: 0,
            isa: PhantomData,
        };
        let tokens = &mut tokens[..rules.max_ply];
        let termination = match choices {
            None if rules.mate_boost == Probability::ZERO => {
                playout.run::<false, false>(tokens, &mut Choices::default())
            }
            None => playout.run::<false, true>(tokens, &mut Choices::default()),
            Some(choices) => playout.run::<true, true>(tokens, choices),
        };
        End {
            length: playout.ply,
            termination,
            to_move: if playout.ply.is_multiple_of(2) {
                Color::White
            } else {
                Color::Black
            },
        }
    }

    #[inline(always)]
    fn run<const RECORD: bool, const BOOST: bool>(
        &mut self,
        tokens: &mut [i16],
        choices: &mut Choices,
    ) -> Termination {
        loop {
            if let Some(termination) = self.step::<0, RECORD, BOOST>(tokens, choices) {
                return termination;
            }
            if let Some(termination) = self.step::<1, RECORD, BOOST>(tokens, choices) {
                return termination;
            }
        }
    }

    /// Play one move of side `US`, or say why there is none.
    #[inline(always)]
    fn step<const US: usize, const RECORD: bool, const BOOST: bool>(
        &mut self,
        tokens: &mut [i16],
        choices: &mut Choices,
    ) -> Option<Termination> {
        self.legal.find::<I, US>(&self.board, self.tables);
        let over = self.termination(tokens.len());
        if over.is_some() {
            return over;
        }
        let draw = Draw::next(&mut self.rng);
        let is_boosted = BOOST && self.rules.mate_boost != Probability::ZERO;
        let boosted = is_boosted && draw.coin(self.rules.mate_boost);
        let mut mating = Vec::new();
        if boosted || (RECORD && is_boosted) {
            mating =
                mates::find::<I, US>(&mut self.board, &self.legal, &mut self.replies, self.tables);
        }
        if RECORD {
            let row = &mut self.row;
            choices
                .legal
                .push(self.legal.tokens::<I>(self.rules.vocabulary, row));
            if is_boosted {
                let mating = mating.iter().map(|step| step.token(self.rules.vocabulary));
                choices.mating.push_sorted(mating);
            }
        }
        let step = if boosted && !mating.is_empty() {
            mating[draw.index(mating.len() as u32, &mut self.rng) as usize]
        } else {
            self.legal
                .nth::<I>(draw.index(self.legal.len(), &mut self.rng))
        };
        tokens[self.ply] = step.token(self.rules.vocabulary);
        self.board.make::<US>(self.tables, step);
        self.ply += 1;
        None
    }

    /// Why the game is over: the first rule that applies, in the order written here.
    #[inline(always)]
    fn termination(&mut self, max_ply: usize) -> Option<Termination> {
        if self.legal.len() == 0 {
            return Some(match self.legal.is_check {
                true => Termination::Checkmate,
                false => Termination::Stalemate,
            });
        }
        let fifth = self.repetition.is_fifth(&self.board, self.legal.en_passant);
        if self.ply == max_ply {
            Some(Termination::PlyLimit)
        } else if self.board.halfmoves >= 150 {
            Some(Termination::SeventyFiveMoves)
        } else if fifth {
            Some(Termination::FivefoldRepetition)
        } else if self.board.is_insufficient_material() {
            Some(Termination::InsufficientMaterial)
        } else {
            None
        }
    }
}
