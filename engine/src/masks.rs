//! The legal tokens at every position of recorded games.

use shakmaty::Position;

use crate::buffers;
use crate::csr::TokenRows;
use crate::error::{Error, Result};
use crate::playout::IllegalToken;
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

    /// Plies before the position of the first row.
    fn first_position(self) -> usize {
        match self {
            Layout::Pure => 1,
            Layout::Prefixed => 0,
        }
    }

    /// Rows of a game in an array of this many plies.
    pub fn rows(self, plies: usize) -> usize {
        plies + 1 - self.first_position()
    }
}

/// The legal moves before each ply of each game: `sum(lengths)` rows.
pub fn legal_moves(
    games: &Recorded,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<TokenRows> {
    let made = workers.try_map(numbered(games), |(game, tokens)| {
        let mut rows = positions(tokens, vocabulary, 0).map_err(|e| e.in_game(game))?;
        rows.truncate(tokens.len());
        Ok(rows)
    })?;
    Ok(TokenRows::concatenate(&made))
}

/// What may come next at each row of a layout: the legal moves, and PAD alone from the position
/// after the last move on. `layout.rows(width)` rows a game.
pub fn masks(
    games: &Recorded,
    layout: Layout,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<TokenRows> {
    let first = layout.first_position();
    let made = workers.try_map(numbered(games), |(game, tokens)| {
        let mut rows = positions(tokens, vocabulary, first).map_err(|e| e.in_game(game))?;
        rows.truncate(tokens.len().saturating_sub(first));
        while rows.n_rows() < layout.rows(games.width) {
            rows.push(&[vocabulary.pad]);
        }
        Ok(rows)
    })?;
    Ok(TokenRows::concatenate(&made))
}

/// Rows of tokens as rows of flags, one flag a token of the vocabulary.
pub fn dense(rows: &TokenRows, vocabulary_size: usize, workers: &Workers) -> Result<Vec<bool>> {
    let len = rows.n_rows() as u128 * vocabulary_size as u128;
    let mut flags = buffers::zeroed("tokens x vocabulary", len)?;
    let jobs = flags.chunks_exact_mut(vocabulary_size).enumerate();
    workers.map(jobs.collect(), |(r, flags)| {
        rows.row(r)
            .iter()
            .for_each(|&token| flags[token as usize] = true);
    })?;
    Ok(flags)
}

fn numbered<'a>(games: &Recorded<'a>) -> Vec<(usize, &'a [i16])> {
    games.rows.iter().copied().enumerate().collect()
}

/// The legal moves of the positions after `first`, `first + 1`, ... plies.
fn positions(
    tokens: &[i16],
    vocabulary: &Vocabulary,
    first: usize,
) -> Result<TokenRows, IllegalToken> {
    let mut rows = TokenRows::default();
    replay::each_position(tokens, vocabulary, |ply, position| {
        if ply >= first {
            let legal = position.legal_moves();
            rows.push_sorted(legal.iter().map(|m| vocabulary.token(*m)));
        }
    })?;
    Ok(rows)
}
