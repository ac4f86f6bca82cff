//! Moves as indices of a policy: from-square x 73 + plane.

use std::sync::LazyLock;

use shakmaty::Role;

use crate::error::{Error, Result};
use crate::playout::{Place, TokenRow};
use crate::tasks::text;
use crate::vocabulary::{TokenMove, Vocabulary};

/// Planes of a from-square: 56 rays, 8 knight moves, 9 underpromotions.
const PLANES: usize = 73;
/// Indices of a policy.
pub const SIZE: usize = 64 * PLANES;

/// Steps by rank and file, white's side being south: N S E W NE NW SE SW.
const RAYS: [(i32, i32); 8] = [
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (1, 1),
    (1, -1),
    (-1, 1),
    (-1, -1),
];
const KNIGHTS: [(i32, i32); 8] = [
    (-2, -1),
    (-2, 1),
    (-1, -2),
    (-1, 2),
    (1, -2),
    (1, 2),
    (2, -1),
    (2, 1),
];
const UNDERPROMOTIONS: [Role; 3] = [Role::Knight, Role::Bishop, Role::Rook];
/// Planes of rays: direction x 7 + distance - 1. Those of knights follow.
const KNIGHT_PLANES: usize = 56;
/// Promoted to x 3 + (forward, left, right) from the mover's seat.
const UNDERPROMOTION_PLANES: usize = 64;

/// The index of each token of the canonical vocabulary.
static INDICES: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let moves = Vocabulary::canonical().moves().iter();
    moves
        .map(|m| m.map_or(-1, |m| index(m).expect("a move of some piece")))
        .collect()
});

/// The index of a move; `None` where no piece moves so.
///
/// ```
/// use chess_engine::planes::policy::index;
/// use chess_engine::tasks::text::uci;
/// assert_eq!(index(uci("e2e4").unwrap()), Some(12 * 73 + 1));
/// assert_eq!(index(uci("e1g1").unwrap()), Some(4 * 73 + 2 * 7 + 1));
/// assert_eq!(index(uci("a7a8q").unwrap()), Some(48 * 73));
/// assert_eq!(index(uci("b2a1n").unwrap()), Some(9 * 73 + 64 + 2));
/// assert_eq!(index(uci("a1b4").unwrap()), None);
/// ```
pub fn index(m: TokenMove) -> Option<i16> {
    let plane = match m.promotion {
        None | Some(Role::Queen) => ray(m).or_else(|| knight(m)),
        Some(role) => underpromotion(m, role),
    }?;
    Some((usize::from(m.from) * PLANES + plane) as i16)
}

/// Ranks and files from origin to destination.
fn way(m: TokenMove) -> (i32, i32) {
    let ranks = i32::from(m.to.rank()) - i32::from(m.from.rank());
    let files = i32::from(m.to.file()) - i32::from(m.from.file());
    (ranks, files)
}

fn ray(m: TokenMove) -> Option<usize> {
    let (ranks, files) = way(m);
    let distance = ranks.abs().max(files.abs());
    let direction = RAYS
        .iter()
        .position(|&(rank, file)| (rank * distance, file * distance) == (ranks, files))?;
    (distance > 0).then(|| direction * 7 + distance as usize - 1)
}

fn knight(m: TokenMove) -> Option<usize> {
    let jump = KNIGHTS.iter().position(|&jump| jump == way(m))?;
    Some(KNIGHT_PLANES + jump)
}

fn underpromotion(m: TokenMove, role: Role) -> Option<usize> {
    let role = UNDERPROMOTIONS.iter().position(|&one| one == role)?;
    let (ranks, files) = way(m);
    // Forward is the way to the last rank; the left of a mover who looks south is east.
    let side = [0, -1, 1].iter().position(|&aside| aside == files * ranks);
    (ranks.abs() == 1).then_some(())?;
    Some(UNDERPROMOTION_PLANES + 3 * role + side?)
}

/// Where an index goes when files are mirrored, and when ranks and colours are.
pub fn transformed(index: usize, mirror: bool, flip: bool) -> usize {
    let (from, plane) = (index / PLANES, index % PLANES);
    let corner = if flip { 56 } else { 0 } + if mirror { 7 } else { 0 };
    let (north, east) = (if flip { -1 } else { 1 }, if mirror { -1 } else { 1 });
    let image = |steps: &[(i32, i32); 8], step: usize| {
        let (ranks, files) = steps[step];
        let image = (north * ranks, east * files);
        let place = steps.iter().position(|&one| one == image);
        place.expect("steps go in all directions")
    };
    let side = plane.saturating_sub(UNDERPROMOTION_PLANES) % 3;
    let plane = match plane {
        0..KNIGHT_PLANES => image(&RAYS, plane / 7) * 7 + plane % 7,
        KNIGHT_PLANES..UNDERPROMOTION_PLANES => {
            KNIGHT_PLANES + image(&KNIGHTS, plane - KNIGHT_PLANES)
        }
        // Left and right are the mover's: both images together turn the board round.
        _ if mirror == flip => plane,
        _ => plane - side + [0, 2, 1][side],
    };
    (from ^ corner) * PLANES + plane
}

/// The indices of the legal moves, ascending, at the start of `row`.
#[inline]
pub fn legal<'a>(place: &Place, row: &'a mut TokenRow) -> &'a [i16] {
    let n = place.tokens(Vocabulary::canonical(), row).len();
    let indices = &mut row[..n];
    for token in indices.iter_mut() {
        *token = INDICES[*token as usize];
    }
    insertion_sort(indices);
    indices
}

/// Fast where, as here, no value is far from its place.
#[inline]
fn insertion_sort(values: &mut [i16]) {
    for end in 1..values.len() {
        let (value, mut at) = (values[end], end);
        while at > 0 && values[at - 1] > value {
            values[at] = values[at - 1];
            at -= 1;
        }
        values[at] = value;
    }
}

/// The indices of legal moves of item `at` of `fens`, in their order; castling is the king's two-step.
pub fn indices_of_legal(place: &Place, ucis: &[String], at: usize) -> Result<Vec<i16>> {
    let vocabulary = Vocabulary::canonical();
    let mut row: TokenRow = [0; 256];
    let tokens = place.tokens(vocabulary, &mut row);
    let index = |uci: &String| {
        let token = legal_token(tokens, uci, vocabulary);
        let refused = || refusal("moves", at, uci, tokens, |m, _| m.uci().to_string());
        Ok(INDICES[token.ok_or_else(refused)? as usize])
    };
    ucis.iter().map(index).collect()
}

fn legal_token(tokens: &[i16], uci: &str, vocabulary: &Vocabulary) -> Option<i16> {
    let named = text::uci(uci)?;
    let token = vocabulary.token(named);
    // A promotion that no pawn makes has the token of some other move.
    let is_named = vocabulary.move_of(token) == Some(named);
    (is_named && tokens.binary_search(&token).is_ok()).then_some(token)
}

/// The legal move of an index of item `at` of `fens`, in UCI.
pub fn move_of_legal(place: &Place, index: u64, at: usize) -> Result<String> {
    let vocabulary = Vocabulary::canonical();
    let mut row: TokenRow = [0; 256];
    let tokens = place.tokens(vocabulary, &mut row);
    let mut moves = tokens
        .iter()
        .filter(|&&token| INDICES[token as usize] as u64 == index);
    let named = moves.next().and_then(|&token| vocabulary.move_of(token));
    let refused = || refusal("indices", at, index, tokens, |_, index| index.to_string());
    Ok(named.ok_or_else(refused)?.uci().to_string())
}

/// What is not among the legal moves of item `at` of `fens`.
fn refusal(
    argument: &'static str,
    at: usize,
    got: impl ToString,
    legal: &[i16],
    write: impl Fn(TokenMove, i16) -> String,
) -> Error {
    let moves = legal.iter().filter_map(|&token| {
        let m = Vocabulary::canonical().move_of(token)?;
        Some(write(m, INDICES[token as usize]))
    });
    let allowed = match legal {
        [] => "it has none".to_owned(),
        _ => format!("one of: {}", moves.collect::<Vec<_>>().join(", ")),
    };
    let reason = format!("not a legal move in fens[{at}]; {allowed}");
    Error::item(argument, at, got, reason)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::planes::place_at;

    fn known(uci: &str) -> i16 {
        index(text::uci(uci).unwrap()).unwrap()
    }

    #[test]
    fn all_moves_but_promotions_to_a_queen_have_an_index_of_their_own() {
        let moves = Vocabulary::canonical().moves().iter().flatten();
        let others: Vec<_> = moves.filter(|m| m.promotion != Some(Role::Queen)).collect();
        let indices: HashSet<_> = others.iter().map(|&&m| index(m).unwrap()).collect();
        assert_eq!((others.len(), indices.len()), (1924, 1924));
        assert!(indices.iter().all(|&i| (0..SIZE as i16).contains(&i)));
        assert_eq!(known("a7a8q"), known("a7a8"));
    }

    #[test]
    fn the_left_of_a_pawn_that_goes_south_is_east() {
        let planes = [
            "b7b8n", "b7a8n", "b7c8n", "b2b1n", "b2c1n", "b2a1n", "b2b1b", "b2a1r",
        ];
        let planes = planes.map(|uci| known(uci) as usize % PLANES);
        assert_eq!(planes, [64, 65, 66, 64, 65, 66, 67, 72]);
    }

    #[test]
    fn what_no_piece_does_has_no_index() {
        for uci in ["a1a1", "a1b4", "a1h7", "e7c8n", "e7e5r"] {
            assert_eq!(index(text::uci(uci).unwrap()), None, "{uci}");
        }
    }

    #[test]
    fn an_image_of_an_image_is_where_it_began() {
        for (mirror, flip) in [(false, false), (true, false), (false, true), (true, true)] {
            for i in 0..SIZE {
                assert_eq!(transformed(transformed(i, mirror, flip), mirror, flip), i);
                let both = transformed(transformed(i, mirror, false), false, flip);
                assert_eq!(transformed(i, mirror, flip), both);
            }
        }
    }

    #[test]
    fn legal_moves_are_ascending_and_each_is_found_again() {
        let fen = "r3k2r/1P4P1/8/2pP4/8/8/8/R3K2R w KQkq c6 0 2";
        let place = place_at(0, fen).unwrap();
        let mut row: TokenRow = [0; 256];
        let indices = legal(&place, &mut row);
        assert!(indices.is_sorted() && indices.len() == place.n_legal());
        for uci in ["e1g1", "e1c1", "d5c6", "b7a8n", "g7h8q", "b7b8b"] {
            let i = indices_of_legal(&place, &[uci.to_owned()], 0).unwrap()[0];
            assert!(indices.binary_search(&i).is_ok());
            assert_eq!(move_of_legal(&place, i as u64, 0), Ok(uci.to_owned()));
        }
        for uci in ["e1h1", "b7a8", "e2e4r", "a1a8q"] {
            assert!(
                indices_of_legal(&place, &[uci.to_owned()], 0).is_err(),
                "{uci}"
            );
        }
    }
}
