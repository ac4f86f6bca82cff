//! Which move the `A:` task asks about.

use std::ops::Range;

use shakmaty::{Chess, Position, Role, Square};

use super::strata::{NAMES, Scene};
use super::{Stream, pseudo};
use crate::rng::{Draw, GameRng, Probability};
use crate::vocabulary::{TokenMove, Vocabulary};

/// How a move is illegal, by code. A move may be illegal in other ways too.
pub const KINDS: [&str; 9] = [
    "pinned",
    "into_check",
    "ignores_check",
    "castling",
    "en_passant",
    "promotion",
    "wrong_side",
    "blocked",
    "random",
];

/// The first kinds: the man goes as it may, and only check, rights or the last move forbid it.
const FINE_KINDS: usize = 6;

/// A move in UCI with its kind, an index into [`KINDS`]; `None` where it is legal.
pub struct Asked {
    pub uci: String,
    pub kind: Option<usize>,
}

/// The move of a number; `None` where the position has no legal one.
pub fn ask(position: &Chess, illegal: Probability, seed: u64, number: u64) -> Option<Asked> {
    let scene = Scene::new(position);
    if scene.legal.is_empty() {
        return None;
    }
    let mut rng = Stream::Asked.of(seed, number);
    let is_illegal = Draw::next(&mut rng).coin(illegal);
    let (m, kind) = match is_illegal {
        true => illegal_move(&scene, &mut rng),
        false => (legal_move(&scene, &mut rng), None),
    };
    let uci = m.uci().to_string();
    Some(Asked { uci, kind })
}

/// With probability 1/2 what makes the position hard, where something does, else any.
fn legal_move(scene: &Scene, rng: &mut GameRng) -> TokenMove {
    let hard: Vec<_> = match Draw::next(rng).coin(Probability::HALF) {
        true => (0..NAMES.len())
            .map(|stratum| moves(scene, |m| scene.makes_hard(m, stratum)))
            .filter(|moves| !moves.is_empty())
            .collect(),
        false => Vec::new(),
    };
    match hard.is_empty() {
        true => *pick(&moves(scene, |_| true), rng),
        false => *pick(pick::<Vec<TokenMove>>(&hard, rng), rng),
    }
}

/// Legal moves in canonical order, which is the engine's own and stays.
fn moves(scene: &Scene, is_wanted: impl Fn(shakmaty::Move) -> bool) -> Vec<TokenMove> {
    let wanted = scene.legal.iter().copied().filter(|&m| is_wanted(m));
    let mut moves: Vec<TokenMove> = wanted.map(TokenMove::from).collect();
    moves.sort_unstable_by_key(|&m| Vocabulary::canonical().token(m));
    moves
}

/// With probability 1/2 one that only the rules' finer points forbid, where there is any; else of
/// any kind that there is.
fn illegal_move(scene: &Scene, rng: &mut GameRng) -> (TokenMove, Option<usize>) {
    let legal = moves(scene, |_| true);
    let fine = match Draw::next(rng).coin(Probability::HALF) {
        true => illegal_of(scene, &legal, 0..FINE_KINDS),
        false => Vec::new(),
    };
    let kinds = match fine.is_empty() {
        true => illegal_of(scene, &legal, 0..KINDS.len()),
        false => fine,
    };
    let (kind, moves) = pick(&kinds, rng);
    (*pick(moves, rng), Some(*kind))
}

/// The kinds that the position has moves of, with those moves.
fn illegal_of(
    scene: &Scene,
    legal: &[TokenMove],
    kinds: Range<usize>,
) -> Vec<(usize, Vec<TokenMove>)> {
    kinds
        .map(|kind| (kind, illegal_moves(scene, legal, KINDS[kind])))
        .filter(|(_, moves)| !moves.is_empty())
        .collect()
}

/// The moves of a kind, none of them legal.
fn illegal_moves(scene: &Scene, legal: &[TokenMove], kind: &str) -> Vec<TokenMove> {
    let (position, us) = (scene.position, scene.position.turn());
    let king = position.board().king_of(us);
    let of_men = |is_kings: bool| {
        let mut moves = pseudo::moves(position, us);
        moves.retain(|m| (Some(m.from) == king) == is_kings);
        moves
    };
    let mut moves = match (kind, position.is_check()) {
        ("pinned", false) | ("ignores_check", true) => of_men(false),
        ("pinned", true) | ("ignores_check", false) => Vec::new(),
        ("into_check", _) => of_men(true),
        ("castling", _) => pseudo::two_steps(position),
        ("en_passant", _) => pseudo::passing(position),
        ("promotion", _) => promotions(position, legal),
        ("wrong_side", _) => pseudo::moves(position, !us),
        ("blocked", _) => pseudo::blocked(position),
        _ => any(),
    };
    moves.retain(|m| !legal.contains(m));
    moves
}

/// Pawn moves with a promotion that is missing, or that is none.
fn promotions(position: &Chess, legal: &[TokenMove]) -> Vec<TokenMove> {
    let pawns = position.board().pawns();
    let of_pawns = legal.iter().filter(|m| pawns.contains(m.from));
    let other = |m: &TokenMove| match m.promotion {
        Some(Role::Queen) => Some(None),
        Some(_) => None,
        None => Some(Some(Role::Queen)),
    };
    let changed = of_pawns.filter_map(|m| {
        Some(TokenMove {
            promotion: other(m)?,
            ..*m
        })
    });
    changed.collect()
}

fn any() -> Vec<TokenMove> {
    let pairs = Square::ALL.into_iter().flat_map(|from| {
        let others = Square::ALL.into_iter().filter(move |&to| to != from);
        others.map(move |to| pseudo::plain(from, to))
    });
    pairs.collect()
}

fn pick<'a, T>(items: &'a [T], rng: &mut GameRng) -> &'a T {
    &items[Draw::next(rng).index(items.len() as u32, rng) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::parse_fen;

    fn of_kind(fen: &str, kind: &str) -> Vec<String> {
        let position = parse_fen(fen).unwrap();
        let scene = Scene::new(&position);
        let legal = moves(&scene, |_| true);
        let moves = illegal_moves(&scene, &legal, kind);
        moves.iter().map(|m| m.uci().to_string()).collect()
    }

    #[test]
    fn illegal_moves_are_of_the_kind_they_say() {
        let pinned = "4r2k/8/8/8/8/8/4R3/4K3 w - - 0 1";
        assert_eq!(of_kind(pinned, "pinned").len(), 7);
        assert_eq!(of_kind(pinned, "ignores_check"), [""; 0]);
        let check = "4r2k/8/8/8/8/8/R7/4K3 w - - 0 1";
        let ignoring = of_kind(check, "ignores_check");
        assert!(ignoring.contains(&"a2a3".to_owned()) && !ignoring.contains(&"a2e2".to_owned()));
        assert_eq!(of_kind(check, "into_check"), ["e1e2"]);
        assert_eq!(of_kind(check, "castling"), ["e1c1", "e1g1"]);
        let late = "7k/8/8/3pP3/8/8/8/K7 w - - 0 1";
        assert_eq!(of_kind(late, "en_passant"), ["e5d6"]);
        assert_eq!(of_kind(late, "promotion"), ["e5e6q"]);
        assert_eq!(
            of_kind("7k/P7/8/8/8/8/8/K7 w - - 0 1", "promotion"),
            ["a7a8"]
        );
        let start = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
        assert_eq!(of_kind(start, "wrong_side").len(), 20);
        assert!(of_kind(start, "blocked").contains(&"a1a5".to_owned()));
        assert_eq!(of_kind(start, "random").len(), 64 * 63 - 20);
    }
}
