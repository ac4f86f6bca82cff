//! The legal tokens at every position of recorded games.

use crate::buffers;
use crate::csr::TokenRows;
use crate::error::{Error, Result};
use crate::playout::{IllegalToken, TokenRow};
use crate::replay::{self, Recorded};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// How sequences are laid out, and so which position a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[m1 .. mN, PAD ..]`: the first row is the position after the first move.
    Pure,
    /// `[outcome, m1 .. mN, PAD ..]`: the first row is the starting position.
    Prefixed,
}

impl Layout {
    pub fn named(name: &str) -> Result<Layout> {
        match name {
            "pure" => Ok(Layout::Pure),
            "prefixed" => Ok(Layout::Prefixed),
            _ => Err(Error::out_of_range(
                "layout",
                "one of: pure, prefixed",
                format!("{name:?}"),
            )),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Layout::Pure => "pure",
            Layout::Prefixed => "prefixed",
        }
    }

    /// Plies before the position of the first row.
    pub fn first_position(self) -> usize {
        1 - self.prefix()
    }

    /// Tokens before the first move.
    pub fn prefix(self) -> usize {
        match self {
            Layout::Pure => 0,
            Layout::Prefixed => 1,
        }
    }

    /// Rows of a game in an array of this many plies.
    pub fn rows(self, plies: usize) -> usize {
        plies + 1 - self.first_position()
    }
}

/// Games that one thread replays in one go.
const CHUNK: usize = 4;
/// Chunks a thread replays before their rows are collected and their memory is used again.
const CHUNKS_A_ROUND: usize = 8;

/// The legal moves before each ply of each game: `sum(lengths)` rows.
pub fn legal_moves(
    games: &Recorded,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<TokenRows> {
    let n_rows = games.rows.iter().map(|tokens| tokens.len()).sum();
    collect(games, n_rows, workers, |tokens, rows| {
        each_row(tokens, 0, vocabulary, |_, row| rows.push(row))
    })
}

/// What may come next at each row of a layout: the legal moves, and PAD alone from the position
/// after the last move on. `layout.rows(width)` rows a game.
pub fn masks(
    games: &Recorded,
    layout: Layout,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<TokenRows> {
    let (first, per_game) = (layout.first_position(), layout.rows(games.width));
    collect(
        games,
        games.rows.len() * per_game,
        workers,
        |tokens, rows| {
            each_row(tokens, first, vocabulary, |_, row| rows.push(row))?;
            rows.push_repeated(
                vocabulary.pad,
                per_game - tokens.len().saturating_sub(first),
            );
            Ok(())
        },
    )
}

/// [`masks`] as flags, one a token of the vocabulary.
pub fn dense(
    games: &Recorded,
    layout: Layout,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<Vec<bool>> {
    let (first, size) = (layout.first_position(), vocabulary.size());
    let per_game = layout.rows(games.width) * size;
    let len = games.rows.len() as u128 * per_game as u128;
    let mut flags = buffers::zeroed("tokens x vocabulary", len)?;
    let jobs = flags.chunks_exact_mut(per_game.max(1)).zip(&games.rows);
    workers.try_map(jobs.enumerate().collect(), |(game, (flags, tokens))| {
        let written = each_row(tokens, first, vocabulary, |r, row| {
            let flags = &mut flags[r * size..][..size];
            row.iter().for_each(|&token| flags[token as usize] = true);
        });
        let padding = &mut flags[tokens.len().saturating_sub(first) * size..];
        let padding = padding.chunks_exact_mut(size);
        padding.for_each(|flags| flags[vocabulary.pad as usize] = true);
        written.map_err(|illegal| illegal.in_game(game))
    })?;
    Ok(flags)
}

/// The rows that `write` appends for each game, in order.
fn collect(
    games: &Recorded,
    n_rows: usize,
    workers: &Workers,
    write: impl Fn(&[i16], &mut TokenRows) -> Result<(), IllegalToken> + Sync,
) -> Result<TokenRows> {
    let mut all = TokenRows::default();
    let mut jobs = games.rows.chunks(CHUNK).zip((0..).step_by(CHUNK));
    let mut spare: Vec<TokenRows> = Vec::new();
    loop {
        let round = jobs.by_ref().take(workers.count() * CHUNKS_A_ROUND);
        let round = round.map(|job| (job, spare.pop().unwrap_or_default()));
        let round: Vec<_> = round.collect();
        if round.is_empty() {
            return Ok(all);
        }
        let made = workers.try_map(round, |((games, first), mut rows)| {
            rows.truncate(0);
            for (tokens, game) in games.iter().zip(first..) {
                write(tokens, &mut rows).map_err(|illegal| illegal.in_game(game))?;
            }
            Ok(rows)
        })?;
        let made_rows: usize = made.iter().map(TokenRows::n_rows).sum();
        let share = (all.n_rows() + made_rows) as f64 / n_rows as f64;
        let parts: Vec<_> = made.iter().collect();
        all.append_all(&parts, share, workers)?;
        spare = made;
    }
}

/// Visit the legal moves at `first`, `first + 1`, ... before each ply of a game, numbered from 0.
fn each_row(
    tokens: &[i16],
    first: usize,
    vocabulary: &Vocabulary,
    mut visit: impl FnMut(usize, &[i16]),
) -> Result<(), IllegalToken> {
    let mut row: TokenRow = [0; 256];
    replay::each_position(tokens, vocabulary, |ply, walk| {
        if (first..tokens.len()).contains(&ply) {
            visit(ply - first, walk.tokens(vocabulary, &mut row));
        }
    })
}
