//! Mirrored and colour-flipped positions.

use std::sync::LazyLock;

use shakmaty::{CastlingMode, Chess, EnPassantMode, FromSetup, Position, Square};

use super::policy::{self, SIZE};
use crate::error::{Error, Result};
use crate::position::to_fen;

/// Bit 0: files are mirrored. Bit 1: ranks are, and sides, rights and men change colour.
pub const MIRROR: u8 = 1;
pub const COLOUR_FLIP: u8 = 2;
/// Every combination, none included.
pub const KINDS: usize = 4;

/// Where each index of a policy goes under each kind.
pub static POLICY: LazyLock<[[i16; SIZE]; KINDS]> = LazyLock::new(|| {
    let index =
        |kind, i| policy::transformed(i, kind & MIRROR != 0, kind & COLOUR_FLIP != 0) as i16;
    std::array::from_fn(|kind| std::array::from_fn(|i| index(kind as u8, i)))
});

/// Whether the rules see no difference in the mirror.
pub fn may_mirror(position: &Chess) -> bool {
    position.castles().is_empty()
}

/// Item `index` of the argument `fens`, transformed.
pub fn apply(position: Chess, kind: u8, index: usize) -> Result<Chess> {
    if kind == 0 {
        return Ok(position);
    }
    if kind & MIRROR != 0 && !may_mirror(&position) {
        let reason = "has castling rights, which mirrored kings and rooks cannot have";
        return Err(Error::item("fens", index, to_fen(&position), reason));
    }
    let mut setup = position.to_setup(EnPassantMode::Legal);
    if kind & COLOUR_FLIP != 0 {
        setup.mirror();
    }
    if kind & MIRROR != 0 {
        setup.board.flip_horizontal();
        setup.ep_square = setup.ep_square.map(Square::flip_horizontal);
    }
    let transformed = Chess::from_setup(setup, CastlingMode::Standard);
    Ok(transformed.expect("a position is as legal as its image"))
}
