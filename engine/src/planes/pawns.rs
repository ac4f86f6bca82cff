//! Pawn structure as sets of squares.

use shakmaty::{Board, Color};

use super::attacks::{A_FILE, H_FILE};

/// White pawns, black pawns; of both sides: isolated, doubled, passed pawns and those that shield
/// their king; the squares of open and of semi-open files.
#[inline(always)]
pub fn structure(board: &Board) -> [u64; 8] {
    let [white, black] =
        [Color::White, Color::Black].map(|side| (board.pawns() & board.by_color(side)).0);
    let (white_files, black_files) = (files(white), files(black));
    let isolated = white & !beside(white_files) | black & !beside(black_files);
    let passed = white & !wide(south(black)) | black & !wide(north(white));
    [
        white,
        black,
        isolated,
        doubled(white) | doubled(black),
        passed,
        shield(board, Color::White, white) | shield(board, Color::Black, black),
        !(white_files | black_files),
        white_files ^ black_files,
    ]
}

/// Squares north of these, on their files.
#[inline(always)]
fn north(squares: u64) -> u64 {
    let mut filled = squares << 8;
    filled |= filled << 8;
    filled |= filled << 16;
    filled | filled << 32
}

/// Squares south of these, on their files.
#[inline(always)]
fn south(squares: u64) -> u64 {
    north(squares.swap_bytes()).swap_bytes()
}

/// All squares of the files of these.
#[inline(always)]
fn files(squares: u64) -> u64 {
    squares | north(squares) | south(squares)
}

/// Squares a step aside of these.
#[inline(always)]
fn beside(squares: u64) -> u64 {
    (squares & !A_FILE) >> 1 | (squares & !H_FILE) << 1
}

/// These squares and those a step aside.
#[inline(always)]
fn wide(squares: u64) -> u64 {
    squares | beside(squares)
}

/// Pawns with another on their file, all of them.
#[inline(always)]
fn doubled(pawns: u64) -> u64 {
    pawns & (north(pawns) | south(pawns))
}

/// Pawns one or two ranks ahead of their king, on its file or a neighbouring one.
#[inline(always)]
fn shield(board: &Board, side: Color, pawns: u64) -> u64 {
    let king = wide((board.kings() & board.by_color(side)).0);
    let ahead = side.fold_wb(king << 8 | king << 16, king >> 8 | king >> 16);
    pawns & ahead
}
