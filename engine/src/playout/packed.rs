//! A game at rest in few bytes, for thousands of games side by side.
//!
//! A [`Walk`](super::Walk) is larger than a page of memory: to play a ply in each of thousands would
//! be to wait for memory. Here is only what does not follow from the rest.

use shakmaty::{Chess, Color};

use crate::outcome::Termination;
use crate::vocabulary::Vocabulary;

use super::bits::Squares;
use super::board::{Board, Step};
use super::place::Place;
use super::tables::{PieceCode, TABLES};
use super::walk::plies_before;

/// A game; its calls take the place where a thread works on one game after another.
#[derive(Clone)]
pub struct PackedGame {
    board: PackedBoard,
    side: usize,
    plies: usize,
    /// Keys of the positions since the last capture or pawn move, the current one included.
    keys: Vec<u64>,
}

/// A [`Board`] without the ways of its pieces.
#[derive(Clone)]
struct PackedBoard {
    sides: [u64; 2],
    roles: [u64; 8],
    pieces: [PieceCode; 64],
    castling: u8,
    en_passant: u8,
    halfmoves: u32,
    key: u64,
}

impl PackedGame {
    /// A game from this position, which keeps its halfmove clock; repetitions count from here.
    pub fn new(position: &Chess) -> PackedGame {
        let place = Place::new(position);
        PackedGame {
            board: PackedBoard::from(&place.board),
            side: place.side,
            plies: plies_before(position),
            keys: vec![key(&place)],
        }
    }

    pub fn turn(&self) -> Color {
        Color::from_white(self.side == 0)
    }

    /// Play a legal move; `place` is where the game then is.
    #[inline]
    pub fn play(&mut self, token: i16, vocabulary: &Vocabulary, place: &mut Place) {
        let Some(m) = vocabulary.move_of(token) else {
            return;
        };
        self.board.unpack(&mut place.board);
        place.side = self.side;
        place.play(Step::from(m));
        self.board = PackedBoard::from(&place.board);
        self.side = place.side;
        self.plies += 1;
        if self.board.halfmoves == 0 {
            self.keys.clear();
        }
        self.keys.push(key(place));
    }

    /// Why the game is over; `place` is where it is.
    #[inline]
    pub fn termination(&self, place: &Place, at_ply_limit: bool) -> Option<Termination> {
        place.termination(at_ply_limit, self.is_fifth())
    }

    fn is_fifth(&self) -> bool {
        let same_side = || self.keys.iter().rev().step_by(2);
        let now = self.keys.last();
        // Four positions of the same side before this one take eight plies.
        self.keys.len() > 8 && same_side().filter(|&key| Some(key) == now).count() >= 5
    }

    /// The position as FEN.
    pub fn fen(&self) -> String {
        let mut place = Place::start();
        self.board.unpack(&mut place.board);
        place.side = self.side;
        place.find();
        place.fen(self.plies)
    }
}

/// A position that allows en passant can never come back: any key will do but its own.
#[inline]
fn key(place: &Place) -> u64 {
    let key = place.board.key;
    if place.legal.en_passant { !key } else { key }
}

impl From<&Board> for PackedBoard {
    #[inline]
    fn from(board: &Board) -> PackedBoard {
        PackedBoard {
            sides: board.sides,
            roles: board.roles,
            pieces: board.pieces,
            castling: board.castling,
            en_passant: board.en_passant as u8,
            halfmoves: board.halfmoves as u32,
            key: board.key,
        }
    }
}

impl PackedBoard {
    #[inline]
    fn unpack(&self, board: &mut Board) {
        board.sides = self.sides;
        board.roles = self.roles;
        board.pieces = self.pieces;
        board.castling = self.castling;
        board.en_passant = self.en_passant.into();
        board.halfmoves = self.halfmoves as usize;
        board.key = self.key;
        let tables = &*TABLES;
        for square in Squares(board.occupied()) {
            board.reach[square] = *tables.reach(self.pieces[square], square);
        }
    }
}
