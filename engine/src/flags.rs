//! Rare and instructive features of a position, as one bit each.

use shakmaty::{CastlingSide, Color, File, Rank, Role, Square, attacks};

use crate::buffers;
use crate::error::Result;
use crate::king::KingSafety;
use crate::playout::{IllegalToken, Place, Walk};
use crate::replay::{self, Recorded};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// The names of the bits, lowest first. All speak of the side to move; files are those of the
/// captured-on square (en passant) and of the pawn (promotion).
pub const NAMES: [&str; 36] = [
    "check",
    "double_check",
    "pin_restricts",
    "en_passant",
    "en_passant_a",
    "en_passant_b",
    "en_passant_c",
    "en_passant_d",
    "en_passant_e",
    "en_passant_f",
    "en_passant_g",
    "en_passant_h",
    "promotion",
    "promotion_a",
    "promotion_b",
    "promotion_c",
    "promotion_d",
    "promotion_e",
    "promotion_f",
    "promotion_g",
    "promotion_h",
    "castling_kingside",
    "castling_queenside",
    "castling_kingside_blocked_by_check",
    "castling_queenside_blocked_by_check",
    "castling_kingside_blocked_by_attack",
    "castling_queenside_blocked_by_attack",
    "castling_kingside_lost",
    "castling_queenside_lost",
    "castling_kingside_lost_at_home",
    "castling_queenside_lost_at_home",
    "checkmate",
    "stalemate",
    "seventy_five_moves",
    "fivefold_repetition",
    "insufficient_material",
];

const CHECK: u32 = 0;
const DOUBLE_CHECK: u32 = 1;
const PIN_RESTRICTS: u32 = 2;
const EN_PASSANT: u32 = 3;
const PROMOTION: u32 = 12;
const CASTLING: u32 = 21;
const BLOCKED_BY_CHECK: u32 = 23;
const BLOCKED_BY_ATTACK: u32 = 25;
const CASTLING_LOST: u32 = 27;
const CASTLING_LOST_AT_HOME: u32 = 29;
const CHECKMATE: u32 = 31;
const STALEMATE: u32 = 32;
const SEVENTY_FIVE_MOVES: u32 = 33;
const FIVEFOLD_REPETITION: u32 = 34;
const INSUFFICIENT_MATERIAL: u32 = 35;

/// The bits that say that the game is over.
pub const ENDINGS: u64 = u64::MAX << CHECKMATE;

/// The features of every position of recorded games: `plies + 1` a game, position `t` being the one
/// after `t` plies; 0 after the end of a game.
pub fn compute(games: &Recorded, vocabulary: &Vocabulary, workers: &Workers) -> Result<Vec<u64>> {
    let per_game = games.width + 1;
    let len = games.rows.len() as u128 * per_game as u128;
    let mut all = buffers::zeroed("tokens", len)?;
    let jobs = all.chunks_exact_mut(per_game).zip(&games.rows).enumerate();
    workers.try_map(jobs.collect(), |(game, (row, tokens))| {
        each_position(tokens, vocabulary, |ply, flags| row[ply] = flags)
            .map_err(|illegal| illegal.in_game(game))
    })?;
    Ok(all)
}

/// Visit the features of the positions after 0, 1, ... all plies of a game.
pub fn each_position(
    tokens: &[i16],
    vocabulary: &Vocabulary,
    mut visit: impl FnMut(usize, u64),
) -> Result<(), IllegalToken> {
    replay::each_position(tokens, vocabulary, |ply, walk| visit(ply, flags(walk)))
}

/// The features of a game's current position.
pub fn flags(walk: &Walk) -> u64 {
    let place = walk.place();
    let king = KingSafety::new(place);
    flag(CHECK, king.checkers.any())
        | flag(DOUBLE_CHECK, king.checkers.more_than_one())
        | flag(PIN_RESTRICTS, king.any_pin_restricts(place.passed_square()))
        | moves(place)
        | castling(place, &king)
        | endings(walk)
}

fn flag(bit: u32, is_set: bool) -> u64 {
    u64::from(is_set) << bit
}

/// A bit for any file, followed by one for each.
fn with_file(first: u32, square: Square) -> u64 {
    1 << first | 2 << (first + u32::from(square.file()))
}

fn moves(place: &Place) -> u64 {
    let en_passant = place.en_passant_square();
    let captures = en_passant.map_or(0, |square| with_file(EN_PASSANT, square));
    let promotions = place.promoting().into_iter();
    promotions.fold(captures, |all, pawn| all | with_file(PROMOTION, pawn))
}

fn castling(place: &Place, king: &KingSafety) -> u64 {
    let wings = [(CastlingSide::KingSide, 0), (CastlingSide::QueenSide, 1)];
    let held = place.castling() >> king.us.fold_wb(0, 2);
    let bits = wings.map(|(wing, bit)| match held >> bit & 1 {
        1 => castling_with_right(place, king, wing) << bit,
        _ => {
            let at_home = is_at_home(king, wing);
            (flag(CASTLING_LOST, true) | flag(CASTLING_LOST_AT_HOME, at_home)) << bit
        }
    });
    bits[0] | bits[1]
}

/// Whether castling is legal, else what forbids it where only the king's safety does.
fn castling_with_right(place: &Place, king: &KingSafety, wing: CastlingSide) -> u64 {
    let (from, rook) = home(king.us, wing);
    let occupied = king.pieces.occupied();
    if place.king_targets().contains(wing.king_to(king.us)) {
        flag(CASTLING, true)
    } else if attacks::between(from, rook).intersects(occupied) {
        0
    } else if king.checkers.any() {
        flag(BLOCKED_BY_CHECK, true)
    } else {
        // Nothing else is left.
        flag(BLOCKED_BY_ATTACK, true)
    }
}

/// Whether king and rook stand where castling starts.
fn is_at_home(king: &KingSafety, wing: CastlingSide) -> bool {
    let (from, rook) = home(king.us, wing);
    let rooks = king.pieces.by_piece(Role::Rook.of(king.us));
    king.square == from && rooks.contains(rook)
}

/// The squares of king and rook before castling.
fn home(us: Color, wing: CastlingSide) -> (Square, Square) {
    let rank = us.fold_wb(Rank::First, Rank::Eighth);
    let rook = match wing {
        CastlingSide::KingSide => File::H,
        CastlingSide::QueenSide => File::A,
    };
    let on_rank = |file| Square::from_coords(file, rank);
    (on_rank(File::E), on_rank(rook))
}

fn endings(walk: &Walk) -> u64 {
    let (place, is_over) = (walk.place(), walk.n_legal() == 0);
    flag(CHECKMATE, is_over && walk.is_check())
        | flag(STALEMATE, is_over && !walk.is_check())
        | flag(SEVENTY_FIVE_MOVES, place.halfmoves() >= 150)
        | flag(FIVEFOLD_REPETITION, walk.is_fifth())
        | flag(INSUFFICIENT_MATERIAL, place.is_insufficient_material())
}
