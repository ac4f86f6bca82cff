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

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(names: &str) -> u64 {
        let names = names.split_whitespace();
        let squares = names.map(|name| name.parse::<shakmaty::Square>().unwrap());
        squares.map(|square| 1 << u32::from(square)).sum()
    }

    #[test]
    fn each_plane_marks_the_pawns_of_its_definition() {
        // White a2 a3 c5 f2 h4, king g1; black b4 c7 g6, king g8.
        let board = Board::from_ascii_board_fen(b"6k1/2p5/6p1/2P5/1p5P/P7/P4P2/6K1").unwrap();
        let [
            white,
            black,
            isolated,
            doubled,
            passed,
            shield,
            open,
            semi_open,
        ] = structure(&board);
        assert_eq!(white, squares("a2 a3 c5 f2 h4"));
        assert_eq!(black, squares("b4 c7 g6"));
        assert_eq!(isolated, squares("a2 a3 c5 f2 h4 g6"));
        assert_eq!(doubled, squares("a2 a3"));
        assert_eq!(passed, 0);
        assert_eq!(shield, squares("f2 g6"));
        assert_eq!(open, A_FILE << 3 | A_FILE << 4);
        let half = [0, 1, 5, 6, 7].map(|file| A_FILE << file);
        assert_eq!(semi_open, half.into_iter().sum::<u64>());
    }

    #[test]
    fn a_pawn_is_passed_by_enemies_alone_however_many_own_pawns_stand_ahead() {
        let board = Board::from_ascii_board_fen(b"4k3/8/P3p3/P7/8/3p3p/P7/4K3").unwrap();
        let passed = structure(&board)[4];
        assert_eq!(passed, squares("a2 a5 a6 d3 e6 h3"));
    }
}
