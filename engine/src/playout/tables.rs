//! What the playout looks up instead of computing.

use std::sync::LazyLock;

use shakmaty::{Bitboard, Color, Piece, Role, Square, attacks};

use super::bits::{Squares, bit};
use super::isa::Isa;

/// A piece on a square: its role, and bit 3 for black; 0 where there is none.
pub type PieceCode = u8;

pub const PAWN: usize = 1;
pub const KNIGHT: usize = 2;
pub const BISHOP: usize = 3;
pub const ROOK: usize = 4;
pub const QUEEN: usize = 5;
pub const KING: usize = 6;

/// The code of a role of side `us` (0 white, 1 black).
#[inline(always)]
pub const fn code(us: usize, role: usize) -> PieceCode {
    (us << 3 | role) as u8
}

/// The code shakmaty's piece has here.
pub fn code_of(piece: Piece) -> PieceCode {
    code(piece.color.fold_wb(0, 1), piece.role as usize)
}

/// Where a piece goes, by what stands under a mask: one lookup for every piece makes the loop over
/// pieces free of branches. Queens have two: this one is their diagonals. The moves of kings are not
/// among them, since where they may go depends on who attacks.
#[derive(Clone, Copy, Default)]
pub struct Reach {
    mask: u64,
    /// Where in `Tables::reached` the entries for this mask start.
    start: usize,
}

impl Reach {
    /// Squares the piece moves to (pawns) or attacks (all others), own pieces included. En passant
    /// and castling are not among them.
    #[inline(always)]
    pub fn squares<I: Isa>(&self, reached: &[u64], occupied: u64) -> u64 {
        let index = self.start + I::pext(occupied, self.mask) as usize;
        debug_assert!(index < reached.len());
        // SAFETY: `Builder::add` stored one entry for every value `pext` has under this mask, from
        // this start on; a default reach has the first entry.
        unsafe { *reached.get_unchecked(index) }
    }
}

pub struct Tables {
    reach: Box<[[Reach; 16]; 64]>,
    reached: Vec<u64>,
    pub knight: [u64; 64],
    pub king: [u64; 64],
    /// Squares a pawn of each side attacks.
    pub pawn: [[u64; 64]; 2],
    pub diagonals: [u64; 64],
    pub straights: [u64; 64],
    between: Box<[[u64; 64]; 64]>,
    line: Box<[[u64; 64]; 64]>,
    zobrist: Box<[[u64; 64]; 16]>,
    zobrist_castling: [u64; 16],
    /// Castling rights (K = 1, Q = 2, k = 4, q = 8) that survive a move from or to a square.
    pub castling_kept: [u8; 64],
}

pub static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

impl Tables {
    /// Squares that a piece other than a king goes to from a square: see [`Reach::squares`].
    #[inline(always)]
    pub fn squares<I: Isa>(&self, piece: PieceCode, from: usize, occupied: u64) -> u64 {
        let squares = self
            .reach(piece, from)
            .squares::<I>(&self.reached, occupied);
        match usize::from(piece & 7) {
            QUEEN => {
                squares
                    | self
                        .straight_reach(from)
                        .squares::<I>(&self.reached, occupied)
            }
            _ => squares,
        }
    }

    /// What [`Reach`] points into; loops look it up once.
    #[inline(always)]
    pub fn reached(&self) -> &[u64] {
        &self.reached
    }

    /// The ranks and files of a queen.
    #[inline(always)]
    pub fn straight_reach(&self, from: usize) -> &Reach {
        self.reach(code(0, ROOK), from)
    }

    #[inline(always)]
    pub fn reach(&self, piece: PieceCode, from: usize) -> &Reach {
        &self.reach[from & 63][usize::from(piece & 15)]
    }

    /// Squares strictly between two squares of a line.
    #[inline(always)]
    pub fn between(&self, a: usize, b: usize) -> u64 {
        self.between[a & 63][b & 63]
    }

    /// The whole line through two squares.
    #[inline(always)]
    pub fn line(&self, a: usize, b: usize) -> u64 {
        self.line[a & 63][b & 63]
    }

    /// The key of a piece on a square; 0 for no piece.
    #[inline(always)]
    pub fn zobrist(&self, piece: PieceCode, square: usize) -> u64 {
        self.zobrist[usize::from(piece & 15)][square & 63]
    }

    #[inline(always)]
    pub fn zobrist_castling(&self, rights: u8) -> u64 {
        self.zobrist_castling[usize::from(rights & 15)]
    }

    fn new() -> Tables {
        let mut builder = Builder::default();
        builder.add(0, |_| 0);
        let mut keys = keys();
        let square_pairs =
            |f: fn(Square, Square) -> Bitboard| by_square(|a| by_square(|b| f(a, b).0));
        Tables {
            reach: Box::new(by_square(|from| builder.reach_from(from))),
            reached: builder.reached,
            knight: by_square(|s| attacks::knight_attacks(s).0),
            king: by_square(|s| attacks::king_attacks(s).0),
            pawn: [Color::White, Color::Black]
                .map(|c| by_square(|s| attacks::pawn_attacks(c, s).0)),
            diagonals: by_square(|s| attacks::bishop_attacks(s, Bitboard::EMPTY).0),
            straights: by_square(|s| attacks::rook_attacks(s, Bitboard::EMPTY).0),
            between: Box::new(square_pairs(attacks::between)),
            line: Box::new(square_pairs(attacks::ray)),
            zobrist: Box::new(std::array::from_fn(|piece| {
                std::array::from_fn(|_| if piece == 0 { 0 } else { keys() })
            })),
            zobrist_castling: std::array::from_fn(|_| keys()),
            castling_kept: by_square(castling_kept),
        }
    }
}

/// Collects the entries that `Reach` points into; the first is nowhere.
#[derive(Default)]
struct Builder {
    reached: Vec<u64>,
}

impl Builder {
    fn reach_from(&mut self, from: Square) -> [Reach; 16] {
        let mut reach = [Reach::default(); 16];
        let knight = self.add(0, |_| attacks::knight_attacks(from).0);
        let diagonal = self.add(inner(from, attacks::bishop_attacks), |occupied| {
            attacks::bishop_attacks(from, Bitboard(occupied)).0
        });
        let straight = self.add(inner(from, attacks::rook_attacks), |occupied| {
            attacks::rook_attacks(from, Bitboard(occupied)).0
        });
        for us in [0, 1] {
            let of = |role| usize::from(code(us, role));
            reach[of(PAWN)] = self.pawn(from, us);
            reach[of(KNIGHT)] = knight;
            reach[of(BISHOP)] = diagonal;
            reach[of(ROOK)] = straight;
            reach[of(QUEEN)] = diagonal;
        }
        reach
    }

    /// Captures of whatever stands there, and pushes to whatever is free.
    fn pawn(&mut self, from: Square, us: usize) -> Reach {
        let (color, home) = [(Color::White, 1), (Color::Black, 6)][us];
        let ahead = |steps: i32| {
            from.offset(color.fold_wb(8, -8) * steps)
                .map_or(0, |s| bit(s.into()))
        };
        let once = ahead(1);
        let twice = if from.rank() as i32 == home {
            ahead(2)
        } else {
            0
        };
        let captures = attacks::pawn_attacks(color, from).0;
        self.add(captures | once | twice, |occupied| {
            let pushes = match occupied & once {
                0 => (once | twice) & !occupied,
                _ => 0,
            };
            captures & occupied | pushes
        })
    }

    /// An entry for every subset of `mask`, in the order of their `pext`.
    fn add(&mut self, mask: u64, entry: impl Fn(u64) -> u64) -> Reach {
        let start = self.reached.len();
        let mut subset: u64 = 0;
        loop {
            self.reached.push(entry(subset));
            subset = subset.wrapping_sub(mask) & mask;
            if subset == 0 {
                return Reach { mask, start };
            }
        }
    }
}

/// The squares whose occupation matters to a slider: its lines without their last squares.
fn inner(from: Square, attacks: fn(Square, Bitboard) -> Bitboard) -> u64 {
    let matters = |s: &usize| attacks(from, Bitboard(bit(*s))) != attacks(from, Bitboard::EMPTY);
    let line = Squares(attacks(from, Bitboard::EMPTY).0);
    line.filter(matters).fold(0, |mask, s| mask | bit(s))
}

fn castling_kept(square: Square) -> u8 {
    match square {
        Square::E1 => !3,
        Square::H1 => !1,
        Square::A1 => !2,
        Square::E8 => !12,
        Square::H8 => !4,
        Square::A8 => !8,
        _ => !0,
    }
}

fn by_square<T>(mut f: impl FnMut(Square) -> T) -> [T; 64] {
    std::array::from_fn(|s| f(Square::new(s as u32)))
}

/// SplitMix64 (Steele, Lea and Flood 2014) from a fixed seed.
fn keys() -> impl FnMut() -> u64 {
    let mut state: u64 = 0;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

const _: () = assert!(Role::Pawn as usize == PAWN && Role::King as usize == KING);
