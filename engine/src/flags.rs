//! Rare and instructive features of a position, as one bit each.

use shakmaty::{Bitboard, CastlingSide, Chess, Color, Move, MoveList, Position, Role, Square};

use crate::buffers;
use crate::error::Result;
use crate::game::Game;
use crate::pins::Pins;
use crate::playout::IllegalToken;
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
    let mut game = Game::default();
    for (ply, &token) in tokens.iter().enumerate() {
        visit(ply, flags(&game));
        let m = replay::legal_move(game.position(), token, vocabulary);
        game.play(m.ok_or(IllegalToken { ply, token })?);
    }
    visit(tokens.len(), flags(&game));
    Ok(())
}

/// The features of a game's current position.
pub fn flags(game: &Game) -> u64 {
    let position = game.position();
    let legal = &position.legal_moves();
    let checkers = position.checkers();
    flag(CHECK, checkers.any())
        | flag(DOUBLE_CHECK, checkers.more_than_one())
        | flag(PIN_RESTRICTS, Pins::new(position).any_restricts(checkers))
        | moves(legal)
        | castling(position, checkers)
        | endings(game, legal, checkers)
}

fn flag(bit: u32, is_set: bool) -> u64 {
    u64::from(is_set) << bit
}

/// A bit for any file, followed by one for each.
fn with_file(first: u32, square: Square) -> u64 {
    1 << first | 2 << (first + u32::from(square.file()))
}

fn moves(legal: &MoveList) -> u64 {
    let of = |m: &Move| match *m {
        Move::EnPassant { to, .. } => with_file(EN_PASSANT, to),
        Move::Castle { king, rook } => flag(CASTLING + u32::from(rook < king), true),
        Move::Normal {
            from,
            promotion: Some(_),
            ..
        } => with_file(PROMOTION, from),
        _ => 0,
    };
    legal.iter().map(of).fold(0, |all, one| all | one)
}

fn castling(position: &Chess, checkers: Bitboard) -> u64 {
    let wings = [CastlingSide::KingSide, CastlingSide::QueenSide];
    let bits = wings.into_iter().zip(0..).map(|(wing, bit)| {
        if position.castles().has(position.turn(), wing) {
            castling_with_right(position, wing, checkers) << bit
        } else {
            let at_home = is_at_home(position, wing);
            (flag(CASTLING_LOST, true) | flag(CASTLING_LOST_AT_HOME, at_home)) << bit
        }
    });
    bits.fold(0, |all, one| all | one)
}

/// What forbids to castle where only the king's safety does.
fn castling_with_right(position: &Chess, wing: CastlingSide, checkers: Bitboard) -> u64 {
    let (us, occupied) = (position.turn(), position.board().occupied());
    if position.castles().path(us, wing).intersects(occupied) {
        return 0;
    }
    if checkers.any() {
        return flag(BLOCKED_BY_CHECK, true);
    }
    let king_path = [wing.rook_to(us), wing.king_to(us)];
    let attacked = |square| position.board().attacks_to(square, !us, occupied).any();
    flag(BLOCKED_BY_ATTACK, king_path.into_iter().any(attacked))
}

/// Whether king and rook stand where castling starts.
fn is_at_home(position: &Chess, wing: CastlingSide) -> bool {
    let (us, board) = (position.turn(), position.board());
    let (king, rook) = match (us, wing) {
        (Color::White, CastlingSide::KingSide) => (Square::E1, Square::H1),
        (Color::White, CastlingSide::QueenSide) => (Square::E1, Square::A1),
        (Color::Black, CastlingSide::KingSide) => (Square::E8, Square::H8),
        (Color::Black, CastlingSide::QueenSide) => (Square::E8, Square::A8),
    };
    let stands = |square, role: Role| board.by_piece(role.of(us)).contains(square);
    stands(king, Role::King) && stands(rook, Role::Rook)
}

fn endings(game: &Game, legal: &MoveList, checkers: Bitboard) -> u64 {
    let position = game.position();
    flag(CHECKMATE, legal.is_empty() && checkers.any())
        | flag(STALEMATE, legal.is_empty() && checkers.is_empty())
        | flag(SEVENTY_FIVE_MOVES, position.halfmoves() >= 150)
        | flag(FIVEFOLD_REPETITION, game.occurrences() >= 5)
        | flag(INSUFFICIENT_MATERIAL, position.is_insufficient_material())
}
