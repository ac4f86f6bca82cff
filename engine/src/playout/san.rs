//! Games replayed from SAN: each move is resolved by bitboards, the legal set of a position is
//! found only where it matters.

use std::sync::LazyLock;

use shakmaty::Color;

use crate::outcome::Termination;
use crate::vocabulary::Vocabulary;

use super::bits::{Squares, bit, has_one_bit};
use super::board::Step;
use super::legal::Constraints;
use super::place::Place;
use super::repetition::Repetition;
use super::tables::{BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK, TABLES};

/// A move as SAN names it, before a board says which piece is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct San {
    /// The role that moves, as in `shakmaty::Role`; 0 where the squares alone say it.
    pub role: usize,
    /// Squares the piece may come from, as a bitboard; one file for pawns.
    pub from: u64,
    pub to: usize,
    /// The role promoted to; 0 for none.
    pub promotion: usize,
}

/// A game from the starting position under the rules of the playout.
#[derive(Clone)]
pub struct SanGame {
    /// Its legal moves are those of some position before.
    place: Place,
    repetition: Repetition,
    is_fifth: bool,
}

static START: LazyLock<SanGame> = LazyLock::new(|| {
    let mut game = SanGame {
        place: Place::start(),
        repetition: Repetition::new(),
        is_fifth: false,
    };
    game.repetition.is_fifth(&game.place.board, false);
    game
});

impl SanGame {
    pub fn start() -> SanGame {
        START.clone()
    }

    /// Put the pieces back.
    pub fn restart(&mut self) {
        self.place.board.clone_from(&START.place.board);
        self.place.side = START.place.side;
        self.repetition.restart_as(&START.repetition);
        self.is_fifth = false;
    }

    /// The side to move.
    pub fn turn(&self) -> Color {
        self.place.turn()
    }

    /// Whether a rule other than stalemate has made the game a draw.
    #[inline]
    pub fn is_drawn_by_rule(&self) -> bool {
        self.place.board.halfmoves >= 150
            || self.is_fifth
            || self.place.board.is_insufficient_material()
    }

    /// Play a move; its token, or `None` and no change where it is illegal or ambiguous.
    #[inline]
    pub fn play(&mut self, san: San, vocabulary: &Vocabulary) -> Option<i16> {
        let step = self.step(san)?;
        Some(step.token(vocabulary))
    }

    /// The king's two-step for a king that goes to a rook of his own; any other move as it is.
    pub fn castling_of(&self, san: San) -> San {
        let board = &self.place.board;
        let own = board.sides[self.place.side];
        let takes_rook =
            san.from & own & board.roles[KING] != 0 && bit(san.to) & own & board.roles[ROOK] != 0;
        if !takes_rook {
            return san;
        }
        let is_kingside = san.to > san.from.trailing_zeros() as usize;
        let to = (san.to & !7) + if is_kingside { 6 } else { 2 };
        San { to, ..san }
    }

    /// Why the game is over, by the first rule that applies; there is no ply limit.
    pub fn termination(&mut self) -> Option<Termination> {
        let has_move = match self.place.side {
            0 => self.has_pawn_push::<0>(),
            _ => self.has_pawn_push::<1>(),
        };
        if has_move {
            return self.place.termination_by_rule(self.is_fifth);
        }
        self.place.find();
        self.place.termination(false, self.is_fifth)
    }

    /// Whether a pawn of side `US` has a legal step ahead, as in most positions; not looked for in
    /// check.
    fn has_pawn_push<const US: usize>(&self) -> bool {
        let board = &self.place.board;
        let constraints = Constraints::new::<US>(board, &TABLES);
        let pawns = board.roles[PAWN] & board.sides[US] & !constraints.pinned;
        let ahead = if US == 0 { pawns << 8 } else { pawns >> 8 };
        !constraints.is_check() && ahead & !board.occupied() != 0
    }

    #[inline]
    fn step(&mut self, san: San) -> Option<Step> {
        match self.place.side {
            0 => self.step_of::<0>(san),
            _ => self.step_of::<1>(san),
        }
    }

    #[inline(always)]
    fn step_of<const US: usize>(&mut self, san: San) -> Option<Step> {
        let step = self.resolve::<US>(san)?;
        self.place.board.make::<US>(&TABLES, step);
        self.place.side = 1 - US;
        let en_passant = self.place.board.en_passant != 0 && {
            self.place.find();
            self.place.legal.en_passant
        };
        self.is_fifth = self.repetition.is_fifth(&self.place.board, en_passant);
        Some(step)
    }

    /// The one legal move of side `US` that is meant.
    #[inline(always)]
    fn resolve<const US: usize>(&mut self, san: San) -> Option<Step> {
        let constraints = Constraints::new::<US>(&self.place.board, &TABLES);
        match san.role {
            KNIGHT..=QUEEN => self.piece::<US>(san, &constraints),
            PAWN => self.pawn::<US>(san, &constraints),
            KING => self.king::<US>(san, constraints.king),
            _ => self.legal_step(san, san.from.trailing_zeros() as usize),
        }
    }

    /// The one piece among those of a role that reaches the square over empty ones. Few are on its
    /// lines, so that they are looked at one by one, in small tables.
    #[inline(always)]
    fn piece<const US: usize>(&self, san: San, constraints: &Constraints) -> Option<Step> {
        let board = &self.place.board;
        let own = board.roles[san.role & 7] & board.sides[US] & san.from;
        let from = self.seeing(own & ways(san.role, san.to), san.to, board.occupied());
        let from = unpinned(from, san.to, constraints);
        let is_allowed = constraints.allowed & bit(san.to) != 0 && san.promotion == 0;
        (is_allowed && has_one_bit(from))
            .then(|| Step::plain(from.trailing_zeros() as usize, san.to))
    }

    /// The squares among `from`, each on a line with `to`, with nothing between them.
    #[inline(always)]
    fn seeing(&self, from: u64, to: usize, occupied: u64) -> u64 {
        Squares(from)
            .filter(|&square| TABLES.between(to, square) & occupied != 0)
            .fold(from, |seeing, hidden| seeing & !bit(hidden))
    }

    #[inline(always)]
    fn king<const US: usize>(&mut self, san: San, king: usize) -> Option<Step> {
        if san.from & bit(king) == 0 || san.promotion != 0 {
            return None;
        }
        if TABLES.king[king] & bit(san.to) == 0 {
            return self.legal_step(san, king);
        }
        let is_free = self.place.board.sides[US] & bit(san.to) == 0
            && !self.is_attacked::<US>(san.to, self.place.board.occupied() ^ bit(king));
        is_free.then(|| Step::plain(king, san.to))
    }

    /// Whether the enemies of side `US` would attack a square of this occupancy; the king that
    /// goes there is not part of it, since he blocks no line he flees along.
    #[inline(always)]
    fn is_attacked<const US: usize>(&self, square: usize, occupied: u64) -> bool {
        let (roles, tables, square) = (&self.place.board.roles, &*TABLES, square & 63);
        let leapers = tables.knight[square] & roles[KNIGHT]
            | tables.pawn[US][square] & roles[PAWN]
            | tables.king[square] & roles[KING];
        let sliders = tables.diagonals[square] & (roles[BISHOP] | roles[QUEEN])
            | tables.straights[square] & (roles[ROOK] | roles[QUEEN]);
        let enemies = self.place.board.sides[1 - US];
        leapers & enemies != 0 || self.seeing(sliders & enemies, square, occupied) != 0
    }

    #[inline(always)]
    fn pawn<const US: usize>(&mut self, san: San, constraints: &Constraints) -> Option<Step> {
        let last_rank = 56 * (1 - US)..64 - 56 * US;
        if last_rank.contains(&san.to) != (san.promotion != 0) {
            return None;
        }
        let pawns = self.place.board.roles[PAWN] & self.place.board.sides[US] & san.from;
        let captors = TABLES.pawn[1 - US][san.to] & pawns;
        let is_capture = self.place.board.sides[1 - US] & bit(san.to) != 0;
        let from = match (captors, is_capture) {
            (0, false) => self.pushed::<US>(pawns, san.to),
            (_, true) => captors,
            (_, false) if san.to == self.place.board.en_passant => {
                return self.legal_step(san, captors.trailing_zeros() as usize);
            }
            (_, false) => 0,
        };
        let from = unpinned(from, san.to, constraints);
        (from != 0 && constraints.allowed & bit(san.to) != 0).then(|| Step {
            from: from.trailing_zeros() as usize,
            to: san.to,
            promotion: san.promotion,
        })
    }

    /// The pawn that can be pushed to a free square.
    #[inline(always)]
    fn pushed<const US: usize>(&self, pawns: u64, to: usize) -> u64 {
        let back = |squares: u64| if US == 0 { squares >> 8 } else { squares << 8 };
        let once = back(bit(to));
        if pawns & once != 0 {
            return once;
        }
        let fourth = [0xff00_0000, 0xff_0000_0000][US];
        let is_open = self.place.board.occupied() & once == 0 && bit(to) & fourth != 0;
        if is_open { back(once) & pawns } else { 0 }
    }

    /// The move between two squares, where the whole legal set has it.
    #[cold]
    fn legal_step(&mut self, san: San, from: usize) -> Option<Step> {
        let step = Step {
            from: from & 63,
            to: san.to,
            promotion: san.promotion,
        };
        self.place.find();
        self.place.allows(step).then_some(step)
    }
}

/// Where a knight, bishop, rook or queen goes from a square of an empty board. Which of them it is
/// cannot be foreseen, so that nothing branches on it.
#[inline(always)]
fn ways(role: usize, square: usize) -> u64 {
    let (tables, square) = (&*TABLES, square & 63);
    let of = |roles: [usize; 2]| u64::from(roles.contains(&role)).wrapping_neg();
    tables.knight[square] & of([KNIGHT, KNIGHT])
        | tables.diagonals[square] & of([BISHOP, QUEEN])
        | tables.straights[square] & of([ROOK, QUEEN])
}

/// The pieces among `from` that no pin keeps from going to `to`.
#[inline(always)]
fn unpinned(from: u64, to: usize, constraints: &Constraints) -> u64 {
    Squares(from & constraints.pinned)
        .filter(|&pinned| TABLES.line(constraints.king, pinned) & bit(to) == 0)
        .fold(from, |from, pinned| from & !bit(pinned))
}
