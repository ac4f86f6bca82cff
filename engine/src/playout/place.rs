//! A position and its legal moves, with the side to move known only at run time.

use std::num::NonZeroU32;

use shakmaty::fen::{Fen, LossyFenError};
use shakmaty::{Bitboard, Board as Pieces, ByColor, ByRole, Chess, Color, Position, Setup, Square};

use crate::outcome::Termination;
use crate::vocabulary::{TokenMove, Vocabulary};

use super::bits::bit;
use super::board::{Board, Step};
use super::isa::TokenRow;
#[cfg(target_arch = "x86_64")]
use super::isa::{Avx512, Bmi2, has_avx512, has_bmi2};
use super::isa::{Isa, Portable};
use super::legal::LegalMoves;
use super::tables::{BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK, TABLES};

#[derive(Clone)]
pub struct Place {
    pub(super) board: Board,
    pub(super) legal: LegalMoves,
    /// 0 white, 1 black.
    pub(super) side: usize,
}

impl Place {
    /// The starting position.
    pub fn start() -> Place {
        Place::new(&Chess::new())
    }

    /// A position of standard chess.
    pub fn new(position: &Chess) -> Place {
        let mut place = Place {
            board: Board::from_position(position),
            legal: LegalMoves::new(),
            side: position.turn().fold_wb(0, 1),
        };
        place.find();
        place
    }

    pub fn turn(&self) -> Color {
        Color::from_white(self.side == 0)
    }

    pub fn is_check(&self) -> bool {
        self.legal.is_check
    }

    /// Moves since the last capture or pawn move.
    pub fn halfmoves(&self) -> usize {
        self.board.halfmoves
    }

    /// K = 1, Q = 2, k = 4, q = 8.
    pub fn castling(&self) -> u8 {
        self.board.castling
    }

    /// How many of each piece are on the board: white's P N B R Q, then black's.
    pub fn material(&self) -> [i8; 10] {
        #[cfg(target_arch = "x86_64")]
        if has_bmi2() {
            // SAFETY: the CPU has the features.
            return unsafe { material_bmi2(&self.board) };
        }
        material(&self.board)
    }

    /// Write what stands on each square: 0 empty, 1-6 white P N B R Q K, 7-12 black.
    #[inline]
    pub fn write_pieces(&self, squares: &mut [i8]) {
        for (square, &code) in squares.iter_mut().zip(&self.board.pieces) {
            *square = ((code & 7) + (code >> 3 & 1) * 6) as i8;
        }
    }

    /// The number of legal moves.
    pub fn n_legal(&self) -> usize {
        self.legal.len() as usize
    }

    /// The tokens of the legal moves, ascending.
    #[inline]
    pub fn tokens<'a>(&self, vocabulary: &Vocabulary, row: &'a mut TokenRow) -> &'a [i16] {
        #[cfg(target_arch = "x86_64")]
        if has_avx512() {
            // SAFETY: the CPU has the features.
            return unsafe { tokens_avx512(&self.legal, vocabulary, row) };
        }
        self.legal.tokens::<Portable>(vocabulary, row)
    }

    /// The move of a token, where it is legal.
    #[inline]
    pub(super) fn legal_step(&self, token: i16, vocabulary: &Vocabulary) -> Option<Step> {
        let step = Step::from(vocabulary.move_of(token)?);
        self.allows(step).then_some(step)
    }

    /// Whether a move is legal.
    #[inline]
    pub(super) fn allows(&self, step: Step) -> bool {
        match step.promotion {
            0 => self.legal.movers & bit(step.from) & self.reaching(step) != 0,
            _ => self.legal.promotions().any(|promotion| promotion == step),
        }
    }

    /// The origin of the step where its target is one of the piece there, else nothing.
    #[inline]
    fn reaching(&self, step: Step) -> u64 {
        (self.legal.targets[step.from & 63] >> step.to & 1) << step.from
    }

    /// Make a legal move and find the next ones.
    #[inline]
    pub(super) fn play(&mut self, step: Step) {
        match self.side {
            0 => self.board.make::<0>(&TABLES, step),
            _ => self.board.make::<1>(&TABLES, step),
        }
        self.side ^= 1;
        self.find();
    }

    /// Find the legal moves.
    pub(super) fn find(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if has_bmi2() {
            // SAFETY: the CPU has the features.
            return unsafe { find_bmi2(self) };
        }
        self.find_with::<Portable>();
    }

    #[inline(always)]
    pub(super) fn find_with<I: Isa>(&mut self) {
        match self.side {
            0 => self.legal.find::<I, 0>(&self.board, &TABLES),
            _ => self.legal.find::<I, 1>(&self.board, &TABLES),
        }
    }

    /// Why the game is over: the first rule that applies, in the order written here.
    #[inline]
    pub(super) fn termination(&self, at_ply_limit: bool, is_fifth: bool) -> Option<Termination> {
        if self.legal.len() == 0 {
            return Some(match self.legal.is_check {
                true => Termination::Checkmate,
                false => Termination::Stalemate,
            });
        }
        match at_ply_limit {
            true => Some(Termination::PlyLimit),
            false => self.termination_by_rule(is_fifth),
        }
    }

    /// Why the game is over though there are legal moves.
    #[inline]
    pub(super) fn termination_by_rule(&self, is_fifth: bool) -> Option<Termination> {
        if self.board.halfmoves >= 150 {
            Some(Termination::SeventyFiveMoves)
        } else if is_fifth {
            Some(Termination::FivefoldRepetition)
        } else if self.board.is_insufficient_material() {
            Some(Termination::InsufficientMaterial)
        } else {
            None
        }
    }

    /// The position as FEN after this many plies, with an en-passant square only where a legal
    /// capture exists.
    pub fn fen(&self, plies: usize) -> String {
        let moves = u32::try_from(plies / 2).unwrap_or(u32::MAX);
        let setup = Setup {
            board: self.pieces(),
            turn: self.turn(),
            castling_rights: self.castling_rooks(),
            ep_square: self.en_passant_square(),
            halfmoves: self.board.halfmoves.try_into().unwrap_or(u32::MAX),
            fullmoves: NonZeroU32::MIN.saturating_add(moves),
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

    /// The square that a pawn has just passed, where an enemy pawn stands beside it.
    pub fn passed_square(&self) -> Option<Square> {
        let square = Square::new(self.board.en_passant as u32 & 63);
        (self.board.en_passant != 0).then_some(square)
    }

    /// Where the king may go, castling included.
    pub fn king_targets(&self) -> Bitboard {
        let king = self.board.roles[KING] & self.board.sides[self.side];
        Bitboard(self.legal.targets[king.trailing_zeros() as usize & 63])
    }

    /// The pawns that may promote.
    pub fn promoting(&self) -> Bitboard {
        let pawns = self.legal.promotions().map(|step| bit(step.from));
        Bitboard(pawns.fold(0, |all, one| all | one))
    }

    pub fn is_insufficient_material(&self) -> bool {
        self.board.is_insufficient_material()
    }

    /// The pieces.
    pub fn pieces(&self) -> Pieces {
        let [pawn, knight, bishop, rook, queen, king] =
            [PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING].map(|role| Bitboard(self.board.roles[role]));
        let by_role = ByRole {
            pawn,
            knight,
            bishop,
            rook,
            queen,
            king,
        };
        let [white, black] = self.board.sides.map(Bitboard);
        let pieces = Pieces::try_from_bitboards(by_role, ByColor { black, white });
        pieces.expect("a piece has one role and one side")
    }

    fn castling_rooks(&self) -> Bitboard {
        let rooks = [Square::H1, Square::A1, Square::H8, Square::A8];
        let held = rooks.into_iter().enumerate();
        let held = held.filter(|(right, _)| self.board.castling >> right & 1 != 0);
        held.map(|(_, rook)| rook).collect()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt")]
fn tokens_avx512<'a>(
    legal: &LegalMoves,
    vocabulary: &Vocabulary,
    row: &'a mut TokenRow,
) -> &'a [i16] {
    legal.tokens::<Avx512>(vocabulary, row)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,popcnt")]
fn find_bmi2(place: &mut Place) {
    place.find_with::<Bmi2>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,popcnt")]
fn material_bmi2(board: &Board) -> [i8; 10] {
    material(board)
}

#[inline(always)]
fn material(board: &Board) -> [i8; 10] {
    std::array::from_fn(|i| {
        let pieces = board.roles[PAWN + i % 5] & board.sides[i / 5];
        pieces.count_ones() as i8
    })
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
