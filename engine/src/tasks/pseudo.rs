//! Moves that look like moves: how men move, whatever the king's safety says.

use shakmaty::{Bitboard, Board, Chess, Color, Position, Rank, Role, Square, attacks};

use crate::vocabulary::TokenMove;

pub fn plain(from: Square, to: Square) -> TokenMove {
    TokenMove {
        from,
        to,
        promotion: None,
    }
}

/// A move of a side's man; a pawn's last step makes a queen.
fn arriving(board: &Board, from: Square, to: Square) -> TokenMove {
    let is_last = matches!(to.rank(), Rank::First | Rank::Eighth);
    let promotes = board.pawns().contains(from) && is_last;
    TokenMove {
        promotion: promotes.then_some(Role::Queen),
        ..plain(from, to)
    }
}

/// What a side's men could do but for their king, castling and en passant aside.
pub fn moves(position: &Chess, side: Color) -> Vec<TokenMove> {
    let board = position.board();
    let men = board.by_color(side).into_iter();
    let targets = men.flat_map(|from| {
        reach(board, side, from)
            .into_iter()
            .map(move |to| (from, to))
    });
    targets
        .map(|(from, to)| arriving(board, from, to))
        .collect()
}

fn reach(board: &Board, side: Color, from: Square) -> Bitboard {
    let attacked = board.attacks_from(from);
    match board.pawns().contains(from) {
        true => attacked & board.by_color(!side) | pushes(board, side, from),
        false => attacked & !board.by_color(side),
    }
}

/// Where a pawn may step to.
fn pushes(board: &Board, side: Color, from: Square) -> Bitboard {
    let [one, two] = steps(side, from).map(|to| to & !board.occupied());
    match one.any() {
        true => one | two,
        false => Bitboard::EMPTY,
    }
}

/// A pawn's single and double step on an empty board.
fn steps(side: Color, from: Square) -> [Bitboard; 2] {
    let forward = |squares: Bitboard| squares.shift(side.fold_wb(8, -8));
    let one = forward(Bitboard::from_square(from));
    let third = side.fold_wb(Rank::Third, Rank::Sixth);
    [one, forward(one & Bitboard::from_rank(third))]
}

/// Sliders and pawns that go through men, and men that take their own.
pub fn blocked(position: &Chess) -> Vec<TokenMove> {
    let (board, us) = (position.board(), position.turn());
    let targets = board.by_color(us).into_iter().flat_map(|from| {
        let squares = blocked_from(board, us, from);
        squares.into_iter().map(move |to| (from, to))
    });
    targets
        .map(|(from, to)| arriving(board, from, to))
        .collect()
}

fn blocked_from(board: &Board, us: Color, from: Square) -> Bitboard {
    let Some(piece) = board.piece_at(from) else {
        return Bitboard::EMPTY;
    };
    if piece.role == Role::Pawn {
        let [one, two] = steps(us, from);
        return (one | two) & !pushes(board, us, from);
    }
    let alone = attacks::attacks(from, piece, Bitboard::EMPTY);
    alone & !(board.attacks_from(from) & !board.by_color(us))
}

/// The king's two-steps from home, whether or not they are castling.
pub fn two_steps(position: &Chess) -> Vec<TokenMove> {
    let us = position.turn();
    let rank = us.fold_wb(Rank::First, Rank::Eighth);
    let on_rank = |file| Square::from_coords(file, rank);
    let home = on_rank(shakmaty::File::E);
    match position.board().king_of(us) == Some(home) {
        true => [shakmaty::File::C, shakmaty::File::G]
            .map(|file| plain(home, on_rank(file)))
            .to_vec(),
        false => Vec::new(),
    }
}

/// Pawns that take an empty square behind an enemy pawn beside them.
pub fn passing(position: &Chess) -> Vec<TokenMove> {
    let (board, us) = (position.board(), position.turn());
    let fifth = Bitboard::from_rank(us.fold_wb(Rank::Fifth, Rank::Fourth));
    let enemies = board.pawns() & board.by_color(!us) & fifth;
    let behind = enemies.shift(us.fold_wb(8, -8)) & !board.occupied();
    let pawns = board.pawns() & board.by_color(us) & fifth;
    let captures = pawns.into_iter().flat_map(|from| {
        let targets = attacks::pawn_attacks(us, from) & behind;
        targets.into_iter().map(move |to| plain(from, to))
    });
    captures.collect()
}
