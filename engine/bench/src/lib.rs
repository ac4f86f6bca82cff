//! The yardstick of every speed figure: random play as a careful engineer writes it with shakmaty.
//!
//! One move generation a ply, `play_unchecked`, the token from a table, the Zobrist key updated
//! incrementally, repetition scanned since the last irreversible move, rows preallocated. It picks
//! moves in shakmaty's own order, so it owes nothing to the canonical order.

use chess_engine::outcome::Termination;
use chess_engine::rng::{Address, Draw, GameRng};
use chess_engine::vocabulary::Vocabulary;
use shakmaty::zobrist::Zobrist64;
use shakmaty::{Chess, EnPassantMode, Move, Position};

/// Play one game into `tokens`; return its length.
pub fn play(
    address: Address,
    vocabulary: &Vocabulary,
    tokens: &mut [i16],
    keys: &mut Vec<Zobrist64>,
) -> (usize, Termination) {
    let mut rng = GameRng::new(address);
    let mut position = Chess::new();
    let mut key: Zobrist64 = position.zobrist_hash(EnPassantMode::Legal);
    keys.clear();
    let mut ply = 0;
    loop {
        let legal = position.legal_moves();
        if legal.is_empty() {
            let mate = position.is_check();
            return (
                ply,
                if mate {
                    Termination::Checkmate
                } else {
                    Termination::Stalemate
                },
            );
        }
        if ply == tokens.len() {
            return (ply, Termination::PlyLimit);
        }
        if position.halfmoves() >= 150 {
            return (ply, Termination::SeventyFiveMoves);
        }
        keys.push(key);
        let clock = position.halfmoves() as usize;
        if clock >= 16
            && keys
                .iter()
                .rev()
                .take(clock + 1)
                .filter(|&&k| k == key)
                .count()
                >= 5
        {
            return (ply, Termination::FivefoldRepetition);
        }
        if position.is_insufficient_material() {
            return (ply, Termination::InsufficientMaterial);
        }
        let m = legal[Draw::next(&mut rng).index(legal.len() as u32, &mut rng) as usize];
        tokens[ply] = token(vocabulary, m);
        let updated = position.update_zobrist_hash(key, m, EnPassantMode::Legal);
        position.play_unchecked(m);
        key = updated.unwrap_or_else(|| position.zobrist_hash(EnPassantMode::Legal));
        ply += 1;
    }
}

/// Two table lookups.
fn token(vocabulary: &Vocabulary, m: Move) -> i16 {
    match m {
        Move::Normal {
            from,
            to,
            promotion: None,
            ..
        }
        | Move::EnPassant { from, to } => vocabulary.plain_token(from.into(), to.into()),
        _ => vocabulary.token(m),
    }
}
