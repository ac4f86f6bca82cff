//! Moves as tokens: the two vocabularies.

use std::sync::LazyLock;

use shakmaty::{CastlingMode, Move, Role, Square, attacks, uci::UciMove};

use crate::error::{Error, Result};
use crate::outcome::Outcome;

/// Promotion roles in token order: the suffixes q, r, b, n.
pub const PROMOTIONS: [Role; 4] = [Role::Queen, Role::Rook, Role::Bishop, Role::Knight];

const NONE: i16 = -1;

/// A move as a token means it: squares and promotion, with no board behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenMove {
    pub from: Square,
    pub to: Square,
    pub promotion: Option<Role>,
}

impl TokenMove {
    /// 0 for none, else 1..=4 for q, r, b, n.
    pub fn promotion_code(self) -> i8 {
        let index = PROMOTIONS.iter().position(|&r| Some(r) == self.promotion);
        index.map_or(0, |i| i as i8 + 1)
    }

    pub fn uci(self) -> UciMove {
        UciMove::Normal {
            from: self.from,
            to: self.to,
            promotion: self.promotion,
        }
    }
}

impl From<Move> for TokenMove {
    /// Castling is the king's two-step.
    fn from(m: Move) -> TokenMove {
        match m.to_uci(CastlingMode::Standard) {
            UciMove::Normal {
                from,
                to,
                promotion,
            } => TokenMove {
                from,
                to,
                promotion,
            },
            UciMove::Put { .. } | UciMove::Null => unreachable!("standard chess has no such move"),
        }
    }
}

/// A numbering of moves, PAD and outcomes.
pub struct Vocabulary {
    pub name: &'static str,
    pub pad: i16,
    /// The plies of a game that its sequences have room for by default.
    pub default_max_ply: u64,
    first_outcome: i16,
    moves: Vec<Option<TokenMove>>,
    plain: Box<[i16; 4096]>,
    promotion: Box<[i16; 4096]>,
}

static SEARCHLESS: LazyLock<Vocabulary> = LazyLock::new(|| {
    let moves = searchless_moves();
    let pad = moves.len() as i16;
    Vocabulary::new("searchless", 512, pad, pad + 1, Outcome::NAMES.len(), moves)
});

static COORDINATE: LazyLock<Vocabulary> = LazyLock::new(|| {
    let moves = [None]
        .into_iter()
        .chain(coordinate_moves())
        .collect::<Vec<_>>();
    let first_outcome = moves.len() as i16;
    Vocabulary::new("coordinate", 256, 0, first_outcome, 5, moves)
});

impl Vocabulary {
    pub const NAMES: [&'static str; 2] = ["searchless", "coordinate"];

    /// The vocabulary of this name.
    ///
    /// ```
    /// use chess_engine::vocabulary::Vocabulary;
    /// assert_eq!(Vocabulary::named("searchless").unwrap().size(), 1980);
    /// assert_eq!(Vocabulary::named("coordinate").unwrap().size(), 4278);
    /// assert!(Vocabulary::named("words").is_err());
    /// ```
    pub fn named(name: &str) -> Result<&'static Vocabulary> {
        match name {
            "searchless" => Ok(&SEARCHLESS),
            "coordinate" => Ok(&COORDINATE),
            _ => Err(Error::UnknownVocabulary {
                name: name.to_owned(),
                allowed: Vocabulary::NAMES.join(", "),
            }),
        }
    }

    /// The vocabulary whose ascending token order is the canonical order of moves: random play
    /// picks the k-th legal move in this order whatever vocabulary it writes, so that a game is the
    /// same game in both.
    pub fn canonical() -> &'static Vocabulary {
        &SEARCHLESS
    }

    /// `moves[token]` is the token's move; every other entry has none. Outcomes come last.
    fn new(
        name: &'static str,
        default_max_ply: u64,
        pad: i16,
        first_outcome: i16,
        n_outcomes: usize,
        mut moves: Vec<Option<TokenMove>>,
    ) -> Vocabulary {
        let mut plain = Box::new([NONE; 4096]);
        let mut promotion = Box::new([NONE; 4096]);
        for (token, m) in moves.iter().enumerate() {
            match m {
                Some(m) if m.promotion.is_none() => plain[pair(m.from, m.to)] = token as i16,
                Some(m) if m.promotion_code() == 1 => promotion[pair(m.from, m.to)] = token as i16,
                _ => {}
            }
        }
        moves.resize(first_outcome as usize + n_outcomes, None);
        Vocabulary {
            name,
            pad,
            default_max_ply,
            first_outcome,
            moves,
            plain,
            promotion,
        }
    }

    /// Number of tokens: moves, PAD and outcomes.
    pub fn size(&self) -> usize {
        self.moves.len()
    }

    /// The token of a legal move.
    #[inline]
    pub fn token(&self, m: impl Into<TokenMove>) -> i16 {
        let m = m.into();
        let (from, to) = (usize::from(m.from), usize::from(m.to));
        match m.promotion_code() {
            0 => self.plain_token(from, to),
            code => self.promotion_token(from, to, code as usize - 1),
        }
    }

    /// The token of a move between two squares that is no promotion.
    #[inline(always)]
    pub fn plain_token(&self, from: usize, to: usize) -> i16 {
        self.plain[(from & 63) << 6 | to & 63]
    }

    /// The tokens of the moves from a square that are no promotions, by destination.
    #[inline(always)]
    pub fn plain_tokens_from(&self, from: usize) -> &[i16; 64] {
        let start = (from & 63) << 6;
        self.plain[start..start + 64].try_into().expect("64 long")
    }

    /// The token of a promotion to `PROMOTIONS[role]`.
    #[inline(always)]
    pub fn promotion_token(&self, from: usize, to: usize, role: usize) -> i16 {
        self.promotion[(from & 63) << 6 | to & 63] + role as i16
    }

    /// The move a token stands for; `None` for PAD, outcomes and numbers outside the vocabulary.
    #[inline]
    pub fn move_of(&self, token: i16) -> Option<TokenMove> {
        *self.moves.get(usize::try_from(token).ok()?)?
    }

    /// The move of every token, `None` where a token is not a move.
    pub fn moves(&self) -> &[Option<TokenMove>] {
        &self.moves
    }

    /// The token of an outcome; `None` where the vocabulary has none for it.
    pub fn outcome_token(&self, outcome: Outcome) -> Option<i16> {
        let token = self.first_outcome + outcome as i16;
        (usize::try_from(token).ok()? < self.size()).then_some(token)
    }

    /// The outcomes that have a token, in token order.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, i16)> {
        Outcome::NAMES
            .into_iter()
            .zip(self.first_outcome..self.size() as i16)
    }
}

#[inline(always)]
fn pair(from: Square, to: Square) -> usize {
    usize::from(from) << 6 | usize::from(to)
}

/// For each source the queen-line destinations ascending, then the knight destinations ascending;
/// then promotions, black's before white's, file by file: straight, toward a, toward h.
fn searchless_moves() -> Vec<Option<TokenMove>> {
    let empty = shakmaty::Bitboard::EMPTY;
    let plain = Square::ALL.into_iter().flat_map(|from| {
        let queen = attacks::queen_attacks(from, empty).into_iter();
        queen
            .chain(attacks::knight_attacks(from))
            .map(move |to| (from, to))
    });
    let promotions = [(8, 0), (48, 56)].into_iter().flat_map(|(source, target)| {
        (0..8).flat_map(move |file| {
            [0, -1, 1]
                .into_iter()
                .filter_map(move |step| promotion_pair(source, target, file, step))
        })
    });
    numbered(plain, promotions)
}

/// The 64 x 64 grid, then promotions, white's before black's: straight, toward a, toward h, each
/// file by file.
fn coordinate_moves() -> Vec<Option<TokenMove>> {
    let plain = Square::ALL
        .into_iter()
        .flat_map(|from| Square::ALL.into_iter().map(move |to| (from, to)));
    let promotions = [(48, 56), (8, 0)].into_iter().flat_map(|(source, target)| {
        [0, -1, 1].into_iter().flat_map(move |step| {
            (0..8).filter_map(move |file| promotion_pair(source, target, file, step))
        })
    });
    numbered(plain, promotions)
}

fn numbered(
    plain: impl Iterator<Item = (Square, Square)>,
    promotions: impl Iterator<Item = (Square, Square)>,
) -> Vec<Option<TokenMove>> {
    let plain = plain.map(|(from, to)| (from, to, None));
    let promotions = promotions.flat_map(|(from, to)| {
        PROMOTIONS
            .into_iter()
            .map(move |role| (from, to, Some(role)))
    });
    plain
        .chain(promotions)
        .map(|(from, to, promotion)| {
            Some(TokenMove {
                from,
                to,
                promotion,
            })
        })
        .collect()
}

/// The squares of a pawn's last step from `file`, `step` files aside; `None` off the board.
fn promotion_pair(source: i32, target: i32, file: i32, step: i32) -> Option<(Square, Square)> {
    let to_file = file + step;
    (0..8).contains(&to_file).then(|| {
        (
            Square::new((source + file) as u32),
            Square::new((target + to_file) as u32),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uci(name: &str, token: i16) -> String {
        let m = Vocabulary::named(name).unwrap().move_of(token).unwrap();
        m.uci().to_string()
    }

    #[test]
    fn searchless_tokens_are_the_published_ones() {
        let published = [
            (0, "a1b1"),
            (102, "e1g1"),
            (169, "g1f3"),
            (317, "e2e4"),
            (1497, "e7e5"),
            (1791, "h8f7"),
            (1792, "a2a1q"),
            (1880, "a7a8q"),
            (1967, "h7g8n"),
        ];
        for (token, m) in published {
            assert_eq!(uci("searchless", token), m);
        }
        assert_eq!(SEARCHLESS.pad, 1968);
        assert_eq!(SEARCHLESS.outcome_token(Outcome::DrawByTime), Some(1979));
    }

    #[test]
    fn coordinate_tokens_are_the_legacy_ones() {
        for (token, m) in [
            (1, "a1a1"),
            (4096, "h8h8"),
            (4097, "a7a8q"),
            (4129, "b7a8q"),
        ] {
            assert_eq!(uci("coordinate", token), m);
        }
        assert_eq!(COORDINATE.pad, 0);
        assert_eq!(
            COORDINATE.outcome_token(Outcome::WhiteCheckmates),
            Some(4273)
        );
        assert_eq!(COORDINATE.outcome_token(Outcome::PlyLimit), Some(4277));
        assert_eq!(COORDINATE.outcome_token(Outcome::DrawByTime), None);
    }

    #[test]
    fn every_move_token_is_the_token_of_its_move() {
        for name in Vocabulary::NAMES {
            let vocabulary = Vocabulary::named(name).unwrap();
            let moves = vocabulary.moves().iter().enumerate();
            for (token, m) in moves.filter_map(|(token, m)| Some((token, (*m)?))) {
                assert_eq!(vocabulary.token(m), token as i16);
            }
        }
    }

    #[test]
    fn numbers_outside_the_vocabulary_are_no_moves() {
        for token in [i16::MIN, -1, 1968, 1969, 1980, i16::MAX] {
            assert_eq!(SEARCHLESS.move_of(token), None);
        }
    }
}
