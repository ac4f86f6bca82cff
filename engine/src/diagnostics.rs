//! Positions of random games, collected by what is special about them.

use shakmaty::Color;

use crate::buffers;
use crate::csr::TokenRows;
use crate::error::Result;
use crate::flags::{self, ENDINGS, NAMES};
use crate::outcome::Outcome;
use crate::playout::{Rules, TokenRow};
use crate::random_games::RandomGames;
use crate::replay;
use crate::rng::{Draw, GameRng};
use crate::threads::Workers;

/// A feature of the side to move: what a quota is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index into [`flags::NAMES`].
    pub flag: usize,
    /// 0 white, 1 black.
    pub side: usize,
}

impl Cell {
    fn all() -> impl Iterator<Item = Cell> {
        (0..NAMES.len()).flat_map(|flag| [0, 1].map(|side| Cell { flag, side }))
    }

    /// Place among all cells.
    fn index(self) -> usize {
        2 * self.flag + self.side
    }

    pub fn color(self) -> Color {
        Color::from_white(self.side == 0)
    }
}

/// What to look for, and where.
pub struct Search {
    /// The games to look at, in this order, as long as something is missing.
    pub random: RandomGames,
    /// Positions wanted for each flag, for either side to move.
    pub quota: [usize; NAMES.len()],
}

/// A position that was found.
pub struct Entry {
    pub cell: Cell,
    pub game: u64,
    /// The moves that lead to it.
    pub moves: Vec<i16>,
    /// What may come next: the legal moves, or PAD alone where the game is over.
    pub next: Vec<i16>,
    /// How the game ends.
    pub outcome: Outcome,
}

/// The positions found, cell by cell and by rising game.
pub struct DiagnosticSets {
    pub entries: Vec<Entry>,
    /// Games looked at until nothing was missing, or until there were no more.
    pub n_games: u64,
    /// What is missing, and how many.
    pub unfilled: Vec<(Cell, usize)>,
}

/// Games a thread looks at between two looks at what is missing.
const GAMES_A_ROUND: u64 = 64;

/// Look for positions. Each game gives a cell at most one: any of its positions there, with equal
/// chances; so positions are independent, and the same whatever else is looked for.
pub fn search(search: &Search, workers: &Workers) -> Result<DiagnosticSets> {
    let mut missing: Vec<usize> = Cell::all().map(|cell| search.quota[cell.flag]).collect();
    let mut entries = Vec::new();
    let games = &search.random.games;
    let mut next = games.start;
    let round = GAMES_A_ROUND * workers.count() as u64;
    while next < games.end && missing.iter().any(|&n| n > 0) {
        let end = games.end.min(next + round);
        let wanted: Vec<Cell> = Cell::all().filter(|c| missing[c.index()] > 0).collect();
        let found = workers.map((next..end).collect(), |game| look(search, &wanted, game))?;
        for positions in found {
            if missing.iter().all(|&n| n == 0) {
                break;
            }
            next += 1;
            entries.extend(positions.into_iter().filter(|entry| {
                let missing = &mut missing[entry.cell.index()];
                let is_wanted = *missing > 0;
                *missing = missing.saturating_sub(1);
                is_wanted
            }));
        }
    }
    entries.sort_by_key(|entry: &Entry| entry.cell);
    let unfilled = Cell::all().zip(missing).filter(|(_, n)| *n > 0);
    Ok(DiagnosticSets {
        entries,
        n_games: next - games.start,
        unfilled: unfilled.collect(),
    })
}

/// One position of a game for each wanted cell that it has any for.
fn look(search: &Search, wanted: &[Cell], game: u64) -> Vec<Entry> {
    let random = &search.random;
    let mut tokens = vec![0; random.rules.max_ply];
    let end = random.play(game, 0, &mut tokens, None);
    let outcome = end.termination.outcome(end.to_move);
    let outcome = outcome.expect("every random game has an outcome");
    let positions = Positions::new(&tokens[..end.length], &random.rules);
    let entry = |&cell: &Cell| {
        // Apart from the attempts of the game, which count from 0.
        let stream = u64::MAX - cell.index() as u64;
        let mut rng = GameRng::new(random.address(game, stream));
        let ply = pick(&positions.flags, cell, &mut rng)?;
        Some(Entry {
            cell,
            game,
            moves: tokens[..ply].to_vec(),
            next: positions.next.row(ply).to_vec(),
            outcome,
        })
    };
    wanted.iter().filter_map(entry).collect()
}

/// The positions after 0, 1, ... all plies of a game.
struct Positions {
    /// Where the game is over, only what says so.
    flags: Vec<u64>,
    next: TokenRows,
}

impl Positions {
    fn new(tokens: &[i16], rules: &Rules) -> Positions {
        let mut all = Positions {
            flags: Vec::with_capacity(tokens.len() + 1),
            next: TokenRows::default(),
        };
        let mut row: TokenRow = [0; 256];
        replay::each_position(tokens, rules.vocabulary, |_, walk| {
            let is_over = walk.termination(rules.max_ply).is_some();
            let kept = if is_over { ENDINGS } else { u64::MAX };
            all.flags.push(flags::flags(walk) & kept);
            match is_over {
                true => all.next.push(&[rules.vocabulary.pad]),
                false => all.next.push(walk.tokens(rules.vocabulary, &mut row)),
            }
        })
        .expect("a generated game is legal");
        all
    }
}

/// A uniform choice among the plies before which a cell's side has its flag.
fn pick(positions: &[u64], cell: Cell, rng: &mut GameRng) -> Option<usize> {
    let plies = positions.iter().enumerate().skip(cell.side).step_by(2);
    let mut flagged = plies.filter(|(_, flags)| *flags >> cell.flag & 1 != 0);
    let n = flagged.clone().count() as u32;
    let k = (n > 0).then(|| Draw::next(rng).index(n, rng))?;
    flagged.nth(k as usize).map(|(ply, _)| ply)
}

impl DiagnosticSets {
    /// What may come next, a row an entry.
    pub fn next(&self) -> TokenRows {
        let mut rows = TokenRows::default();
        self.entries.iter().for_each(|entry| rows.push(&entry.next));
        rows
    }

    /// The moves as rows of equal width, PAD after the last, and that width.
    pub fn padded(&self, pad: i16) -> Result<(Vec<i16>, usize)> {
        let longest = self.entries.iter().map(|entry| entry.moves.len()).max();
        let width = longest.unwrap_or(0).max(1);
        let len = self.entries.len() as u128 * width as u128;
        let mut tokens = buffers::zeroed("quota", len)?;
        for (row, entry) in tokens.chunks_exact_mut(width).zip(&self.entries) {
            let (head, tail) = row.split_at_mut(entry.moves.len());
            head.copy_from_slice(&entry.moves);
            tail.fill(pad);
        }
        Ok((tokens, width))
    }
}
