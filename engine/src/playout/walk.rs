//! A game played move by move, from any position, on the rules of the playout.

use std::num::NonZeroU32;

use shakmaty::fen::{Fen, LossyFenError};
use shakmaty::{Bitboard, Board as Pieces, Chess, Color, Piece, Position, Role, Setup, Square};

use crate::error::Error;
use crate::outcome::Termination;
use crate::rng::{Draw, GameRng, Probability};
use crate::vocabulary::{TokenMove, Vocabulary};

use super::bits::{Isa, Portable, bit};
use super::board::{Board, Step};
use super::legal::{LegalMoves, TokenRow};
use super::repetition::Repetition;
use super::tables::{PieceCode, TABLES};
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

/// A position of standard chess, its legal moves, and what it remembers for repetition. Nothing in
/// it is on the heap.
#[derive(Clone)]
pub struct Walk {
    board: Board,
    legal: LegalMoves,
    repetition: Repetition,
    /// 0 white, 1 black.
    side: usize,
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
        let side = position.turn().fold_wb(0, 1);
        let mut walk = Walk {
            board: Board::from_position(position),
            legal: LegalMoves::new(),
            repetition: Repetition::new(),
            side,
            is_fifth: false,
            ply: 0,
            plies_before: 2 * (position.fullmoves().get() as usize - 1) + side,
        };
        walk.look();
        walk
    }

    /// Plies played.
    pub fn ply(&self) -> usize {
        self.ply
    }

    /// The side to move.
    pub fn turn(&self) -> Color {
        Color::from_white(self.side == 0)
    }

    pub fn is_check(&self) -> bool {
        self.legal.is_check
    }

    /// The number of legal moves.
    pub fn n_legal(&self) -> usize {
        self.legal.len() as usize
    }

    /// The tokens of the legal moves, ascending.
    #[inline]
    pub fn tokens<'a>(&self, vocabulary: &Vocabulary, row: &'a mut TokenRow) -> &'a [i16] {
        self.legal.tokens(vocabulary, row)
    }

    /// Whether the token is a legal move; the rules that end a game without mate or stalemate are
    /// not asked.
    pub fn is_legal(&self, token: i16, vocabulary: &Vocabulary) -> bool {
        self.legal_step(token, vocabulary).is_some()
    }

    /// Play a move, or say that it is illegal and change nothing.
    pub fn play(&mut self, token: i16, vocabulary: &Vocabulary) -> Result<(), IllegalToken> {
        let ply = self.ply;
        let step = self.legal_step(token, vocabulary);
        self.make(step.ok_or(IllegalToken { ply, token })?);
        Ok(())
    }

    #[inline]
    fn legal_step(&self, token: i16, vocabulary: &Vocabulary) -> Option<Step> {
        let step = Step::from(vocabulary.move_of(token)?);
        let is_legal = match step.promotion {
            0 => self.legal.movers & bit(step.from) & self.reaching(step) != 0,
            _ => self.legal.promotions().any(|promotion| promotion == step),
        };
        is_legal.then_some(step)
    }

    /// The origin of the step where its target is one of the piece there, else nothing.
    #[inline]
    fn reaching(&self, step: Step) -> u64 {
        (self.legal.targets[step.from & 63] >> step.to & 1) << step.from
    }

    /// Why the game is over: the first rule that applies, in the order written here.
    pub fn termination(&self, max_ply: usize) -> Option<Termination> {
        if self.legal.len() == 0 {
            return Some(match self.legal.is_check {
                true => Termination::Checkmate,
                false => Termination::Stalemate,
            });
        }
        if self.ply >= max_ply {
            Some(Termination::PlyLimit)
        } else if self.board.halfmoves >= 150 {
            Some(Termination::SeventyFiveMoves)
        } else if self.is_fifth {
            Some(Termination::FivefoldRepetition)
        } else if self.board.is_insufficient_material() {
            Some(Termination::InsufficientMaterial)
        } else {
            None
        }
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
        let moves = u32::try_from((self.plies_before + self.ply) / 2);
        let moves = moves.unwrap_or(u32::MAX).saturating_add(1);
        let setup = Setup {
            board: self.pieces(),
            turn: self.turn(),
            castling_rights: self.castling_rooks(),
            ep_square: self.en_passant_square(),
            halfmoves: self.board.halfmoves.try_into().unwrap_or(u32::MAX),
            fullmoves: NonZeroU32::new(moves).unwrap_or(NonZeroU32::MIN),
            ..Setup::empty()
        };
        let fen = Fen::try_from_setup(setup);
        fen.unwrap_or_else(LossyFenError::ignore).to_string()
    }

    /// The square of a legal en-passant capture.
    pub fn en_passant_square(&self) -> Option<Square> {
        let square = Square::new(self.board.en_passant as u32 & 63);
        self.legal.en_passant.then_some(square)
    }

    fn pieces(&self) -> Pieces {
        let squares = Square::ALL.into_iter().zip(self.board.pieces);
        let mut pieces = Pieces::empty();
        for (square, piece) in squares.filter_map(|(s, code)| Some((s, piece(code)?))) {
            pieces.set_piece_at(square, piece);
        }
        pieces
    }

    fn castling_rooks(&self) -> Bitboard {
        let rooks = [Square::H1, Square::A1, Square::H8, Square::A8];
        let held = rooks.into_iter().enumerate();
        let held = held.filter(|(right, _)| self.board.castling >> right & 1 != 0);
        held.map(|(_, rook)| rook).collect()
    }

    /// Make a legal move.
    fn make(&mut self, step: Step) {
        match self.side {
            0 => self.board.make::<0>(&TABLES, step),
            _ => self.board.make::<1>(&TABLES, step),
        }
        self.ply += 1;
        self.side ^= 1;
        self.look();
    }

    /// Find what there is to know of a new position.
    fn look(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if has_bmi2() {
            // SAFETY: the CPU has the features.
            return unsafe { look_bmi2(self) };
        }
        self.look_with::<Portable>();
    }

    #[inline(always)]
    fn look_with<I: Isa>(&mut self) {
        match self.side {
            0 => self.legal.find::<I, 0>(&self.board, &TABLES),
            _ => self.legal.find::<I, 1>(&self.board, &TABLES),
        }
        self.is_fifth = self.repetition.is_fifth(&self.board, self.legal.en_passant);
    }

    #[inline(always)]
    fn rollout_with<I: Isa>(&mut self, rules: &Rules, rng: &mut GameRng) -> End {
        let termination = loop {
            if let Some(termination) = self.termination(rules.max_ply) {
                break termination;
            }
            match self.side {
                0 => self.make_random::<I, 0>(rules.mate_boost, rng),
                _ => self.make_random::<I, 1>(rules.mate_boost, rng),
            }
            self.ply += 1;
            self.side ^= 1;
            self.look_with::<I>();
        };
        End {
            length: self.ply,
            termination,
            to_move: self.turn(),
        }
    }

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
    }
}

#[cfg(target_arch = "x86_64")]
fn has_bmi2() -> bool {
    is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,popcnt")]
fn look_bmi2(walk: &mut Walk) {
    walk.look_with::<super::bits::Bmi2>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,popcnt")]
fn rollout_bmi2(walk: &mut Walk, rules: &Rules, rng: &mut GameRng) -> End {
    walk.rollout_with::<super::bits::Bmi2>(rules, rng)
}

impl From<TokenMove> for Step {
    #[inline]
    fn from(m: TokenMove) -> Step {
        Step {
            from: m.from.into(),
            to: m.to.into(),
            promotion: m.promotion.map_or(0, |role| role as usize),
        }
    }
}

fn piece(code: PieceCode) -> Option<Piece> {
    let role = Role::ALL.into_iter().find(|&role| role as u8 == code & 7)?;
    Some(role.of(Color::from_white(code >> 3 & 1 == 0)))
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
