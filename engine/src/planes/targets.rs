//! The seven self-supervised targets of a position.

use shakmaty::{Bitboard, Board, Color, attacks};

use super::attacks::Attacks;
use super::grid::{self, SQUARES};
use super::pawns;
use crate::king;

/// The tasks with their planes, in the order of everything that is by task.
pub const TASKS: [(&str, usize); 7] = [
    ("piece", 1),
    ("threat", 1),
    ("pin", 1),
    ("fork", 1),
    ("control", 1),
    ("pawn_structure", 8),
    ("king_safety", 1),
];
/// On squares that a target says nothing of.
pub const IGNORED: u8 = 255;

/// Bytes of a position in each target.
pub const SIZES: [usize; 7] = {
    let mut sizes = [SQUARES; 7];
    let mut task = 0;
    while task < sizes.len() {
        sizes[task] *= TASKS[task].1;
        task += 1;
    }
    sizes
};

/// Write the targets of a position.
#[inline(always)]
pub fn write(board: &Board, us: Color, targets: &mut [&mut [u8]; 7]) {
    let own = Attacks::of(board, us);
    let their = Attacks::of(board, !us);
    let (white, black) = us.fold_wb((&own.counts, &their.counts), (&their.counts, &own.counts));
    let king = board.king_of(us).expect("a position has both kings");
    let [
        piece,
        threat,
        pin,
        fork,
        control,
        pawn_structure,
        king_safety,
    ] = targets;

    write_pieces(board, piece);
    grid::write_set(their.counts.any(), threat);
    grid::write_set(king::pinned(board, us, king).0, pin);
    grid::write_set(own.forks, fork);
    let (more, fewer) = (white.above(black), black.above(white));
    grid::write([(!fewer, 1), (more, 1)], control);
    let planes = pawn_structure.chunks_exact_mut(SQUARES);
    for (set, plane) in pawns::structure(board).into_iter().zip(planes) {
        grid::write_set(set, plane);
    }
    let ring = attacks::king_attacks(king).0;
    let (once, twice) = (their.counts.any() & ring, their.counts.several() & ring);
    grid::write(
        [(once, 1), (twice, 1), (!ring, IGNORED.into())],
        king_safety,
    );
}

/// 0-5 white P N B R Q K, 6-11 black, 12 empty.
#[inline(always)]
fn write_pieces(board: &Board, piece: &mut [u8]) {
    let (roles, colors) = (board.clone()).into_bitboards();
    let Bitboard(empty) = !board.occupied();
    let sets = [
        (roles.knight.0, 1),
        (roles.bishop.0, 2),
        (roles.rook.0, 3),
        (roles.queen.0, 4),
        (roles.king.0, 5),
        (colors.black.0, 6),
        (empty, 12),
    ];
    grid::write(sets, piece);
}
