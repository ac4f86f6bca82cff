//! The position of a playout.

use shakmaty::{CastlingSide, Chess, Color, Position};

use crate::vocabulary::Vocabulary;

use super::bits::bit;
use super::tables::{
    BISHOP, KING, KNIGHT, PAWN, PieceCode, QUEEN, ROOK, Reach, TABLES, Tables, code, code_of,
};

/// Castling rights of each side: K = 1, Q = 2, k = 4, q = 8.
pub const CASTLING: [u8; 2] = [3, 12];

/// A move in the form the playout makes it: castling is the king's two-step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub from: usize,
    pub to: usize,
    /// The role promoted to; 0 for none.
    pub promotion: usize,
}

impl Step {
    #[inline(always)]
    pub fn plain(from: usize, to: usize) -> Step {
        Step {
            from,
            to,
            promotion: 0,
        }
    }

    #[inline(always)]
    pub fn token(self, vocabulary: &Vocabulary) -> i16 {
        let Step {
            from,
            to,
            promotion,
        } = self;
        match promotion {
            0 => vocabulary.plain_token(from, to),
            _ => vocabulary.promotion_token(from, to, QUEEN - promotion),
        }
    }
}

/// A position, redundantly: by side, by role and by square. Who is to move is not part of it; the
/// functions are generic over the side `US` instead (0 white, 1 black).
#[derive(Clone)]
pub struct Board {
    pub sides: [u64; 2],
    /// By role; index 0 takes the writes for captures of nothing.
    pub roles: [u64; 8],
    pub pieces: [PieceCode; 64],
    /// How the piece on a square moves; stale where there is none.
    pub reach: [Reach; 64],
    pub castling: u8,
    /// The square passed by a pawn's double step, where an enemy pawn stands beside it; else 0.
    pub en_passant: usize,
    pub halfmoves: usize,
    /// Zobrist key of placement and castling rights.
    pub key: u64,
}

/// A [`Board`] before a move. Of `Board::reach` only one square is kept: the others that a move
/// writes are empty before it.
pub struct Before {
    sides: [u64; 2],
    roles: [u64; 8],
    pieces: [PieceCode; 64],
    to: usize,
    reach: Reach,
    castling: u8,
    en_passant: usize,
    halfmoves: usize,
    key: u64,
}

impl Board {
    pub fn start() -> Board {
        Board::from_position(&Chess::new())
    }

    pub fn from_position(position: &Chess) -> Board {
        let castling = castling(position);
        let mut board = Board {
            sides: [0; 2],
            roles: [0; 8],
            pieces: [0; 64],
            reach: [Reach::default(); 64],
            castling,
            en_passant: position.legal_ep_square().map_or(0, usize::from),
            halfmoves: position.halfmoves() as usize,
            key: TABLES.zobrist_castling(castling),
        };
        for (square, piece) in position.board().iter() {
            board.put(&TABLES, code_of(piece), square.into());
        }
        board
    }

    #[inline(always)]
    pub fn occupied(&self) -> u64 {
        self.sides[0] | self.sides[1]
    }

    #[inline(always)]
    fn put(&mut self, tables: &Tables, piece: PieceCode, square: usize) {
        self.sides[usize::from(piece >> 3 & 1)] |= bit(square);
        self.roles[usize::from(piece & 7)] |= bit(square);
        self.pieces[square] = piece;
        self.reach[square] = *tables.reach(piece, square);
        self.key ^= tables.zobrist(piece, square);
    }

    #[inline(always)]
    fn remove(&mut self, tables: &Tables, square: usize) -> PieceCode {
        let piece = std::mem::take(&mut self.pieces[square]);
        self.sides[0] &= !bit(square);
        self.sides[1] &= !bit(square);
        self.roles[usize::from(piece & 7)] &= !bit(square);
        self.key ^= tables.zobrist(piece, square);
        piece
    }

    /// All that the next move to `to` changes and that matters afterwards.
    #[inline(always)]
    pub fn save(&self, to: usize) -> Before {
        Before {
            sides: self.sides,
            roles: self.roles,
            pieces: self.pieces,
            to,
            reach: self.reach[to & 63],
            castling: self.castling,
            en_passant: self.en_passant,
            halfmoves: self.halfmoves,
            key: self.key,
        }
    }

    /// Take one move back.
    #[inline(always)]
    pub fn restore(&mut self, before: &Before) {
        self.sides = before.sides;
        self.roles = before.roles;
        self.pieces = before.pieces;
        self.reach[before.to & 63] = before.reach;
        self.castling = before.castling;
        self.en_passant = before.en_passant;
        self.halfmoves = before.halfmoves;
        self.key = before.key;
    }

    /// Make a legal move of side `US`.
    #[inline(always)]
    pub fn make<const US: usize>(&mut self, tables: &Tables, step: Step) {
        let Step { from, to, .. } = step;
        let (piece, captured) = (self.pieces[from & 63], self.pieces[to & 63]);
        self.sides[1 - US] &= !bit(to);
        self.sides[US] ^= bit(from) | bit(to);
        self.roles[usize::from(captured & 7)] &= !bit(to);
        self.roles[usize::from(piece & 7)] ^= bit(from) | bit(to);
        self.pieces[from & 63] = 0;
        self.pieces[to & 63] = piece;
        self.reach[to & 63] = *tables.reach(piece, to);
        self.key ^=
            tables.zobrist(piece, from) ^ tables.zobrist(piece, to) ^ tables.zobrist(captured, to);
        let is_pawn = usize::from(piece & 7) == PAWN;
        self.halfmoves = if is_pawn || captured != 0 {
            0
        } else {
            self.halfmoves + 1
        };
        if self.castling != 0 {
            self.update_castling::<US>(tables, step);
        }
        let passed = std::mem::take(&mut self.en_passant);
        if is_pawn {
            self.finish_pawn_move::<US>(tables, step, passed);
        }
    }

    /// The rook's half of castling, and rights lost.
    #[inline(always)]
    fn update_castling<const US: usize>(&mut self, tables: &Tables, step: Step) {
        let Step { from, to, .. } = step;
        if self.castling & CASTLING[US] != 0 && self.roles[KING] & bit(to) != 0 {
            if to == from + 2 {
                self.move_rook::<US>(tables, from + 3, from + 1);
            } else if to + 2 == from {
                self.move_rook::<US>(tables, from - 4, from - 1);
            }
        }
        self.key ^= tables.zobrist_castling(self.castling);
        self.castling &= tables.castling_kept[from & 63] & tables.castling_kept[to & 63];
        self.key ^= tables.zobrist_castling(self.castling);
    }

    #[inline(always)]
    fn move_rook<const US: usize>(&mut self, tables: &Tables, from: usize, to: usize) {
        self.remove(tables, from & 63);
        self.put(tables, code(US, ROOK), to & 63);
    }

    /// Promotion, the pawn taken en passant, and the square a double step passes.
    #[inline(always)]
    fn finish_pawn_move<const US: usize>(&mut self, tables: &Tables, step: Step, passed: usize) {
        let Step {
            from,
            to,
            promotion,
        } = step;
        if promotion != 0 {
            self.remove(tables, to);
            self.put(tables, code(US, promotion), to);
        } else if passed != 0 && to == passed {
            self.remove(tables, (to ^ 8) & 63);
        } else if from ^ to == 16 {
            let square = (from + to) / 2;
            let enemies = self.roles[PAWN] & self.sides[1 - US];
            let capturable = tables.pawn[US][square & 63] & enemies != 0;
            self.en_passant = if capturable { square } else { 0 };
        }
    }

    /// Whether neither side can ever mate: bare kings, one minor piece, or bishops of one colour.
    #[inline(always)]
    pub fn is_insufficient_material(&self) -> bool {
        let mating = self.roles[PAWN] | self.roles[ROOK] | self.roles[QUEEN];
        mating == 0 && self.has_only_harmless_minors()
    }

    fn has_only_harmless_minors(&self) -> bool {
        const DARK: u64 = 0xaa55_aa55_aa55_aa55;
        let (knights, bishops) = (self.roles[KNIGHT], self.roles[BISHOP]);
        match knights.count_ones() {
            0 => bishops & DARK == 0 || bishops & !DARK == 0,
            1 => bishops == 0,
            _ => false,
        }
    }
}

/// K = 1, Q = 2, k = 4, q = 8.
fn castling(position: &Chess) -> u8 {
    let rights = [
        (Color::White, CastlingSide::KingSide),
        (Color::White, CastlingSide::QueenSide),
        (Color::Black, CastlingSide::KingSide),
        (Color::Black, CastlingSide::QueenSide),
    ];
    let held = rights.iter().enumerate();
    let held = held.filter(|(_, (color, side))| position.castles().has(*color, *side));
    held.map(|(right, _)| 1 << right).sum()
}
