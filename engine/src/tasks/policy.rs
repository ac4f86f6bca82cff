//! What an engine finds in a position: the `P:` task's truth and its rows.

use shakmaty::Chess;

use super::Stream;
use super::environment::legal_move;
use crate::error::{Error, Result};
use crate::position::to_fen;
use crate::rng::Draw;
use crate::vocabulary::TokenMove;

/// Widths of the native columns; the published rows have 89 for the FEN.
const FEN_WIDTH: usize = 90;
const MOVES_WIDTH: usize = 30;
const EVALS_WIDTH: usize = 40;
/// Evaluations further than this are no pawns.
const MOST_CENTIPAWNS: i64 = 10_000_000;

/// A move with its evaluation, from the side to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub m: TokenMove,
    pub centipawns: i64,
}

impl Entry {
    pub fn pawns(self) -> f64 {
        self.centipawns as f64 / 100.0
    }

    /// As Python writes `centipawns / 100`.
    fn text(self) -> String {
        let (sign, size) = (
            if self.centipawns < 0 { "-" } else { "" },
            self.centipawns.abs(),
        );
        let fraction = format!("{:02}", size % 100);
        let fraction = match fraction.strip_suffix('0') {
            Some(tenths) => tenths,
            None => &fraction,
        };
        format!("{sign}{}.{fraction}", size / 100)
    }
}

/// Item `index` of an argument as an analysis: distinct legal moves.
pub fn entries_at(
    argument: &'static str,
    index: usize,
    position: &Chess,
    entries: &[(String, i64)],
) -> Result<Vec<Entry>> {
    let mut read: Vec<Entry> = Vec::with_capacity(entries.len());
    for (uci, centipawns) in entries {
        let refused = |reason: &str| Err(Error::item(argument, index, uci, reason));
        let Some(m) = legal_move(position, uci).map(TokenMove::from) else {
            return refused(&format!("not a legal move in {:?}", to_fen(position)));
        };
        if read.iter().any(|entry| entry.m == m) {
            return refused("listed twice");
        }
        if !(-MOST_CENTIPAWNS..=MOST_CENTIPAWNS).contains(centipawns) {
            return refused(&format!(
                "{centipawns} centipawns, further than {MOST_CENTIPAWNS} from 0"
            ));
        }
        let centipawns = *centipawns;
        read.push(Entry { m, centipawns });
    }
    Ok(read)
}

/// [`entries_at`], with at least one move.
pub fn analysis_at(
    index: usize,
    position: &Chess,
    entries: &[(String, i64)],
) -> Result<Vec<Entry>> {
    match entries.is_empty() {
        true => Err(Error::item(
            "analyses",
            index,
            "[]",
            "at least one move is needed",
        )),
        false => entries_at("analyses", index, position, entries),
    }
}

/// A row's prompt, up to the marker of the moves.
pub fn prompt(position: &Chess, native: bool) -> String {
    let fen = to_fen(position);
    let width = match native {
        true => FEN_WIDTH.max(fen.len() + 1),
        false => fen.len() + 1,
    };
    format!("P: {fen:<width$}M:")
}

/// The right completion, its entries in the order of an address.
pub fn completion(analysis: &[Entry], native: bool, seed: u64, number: u64) -> String {
    let shuffled = shuffled(analysis, seed, number);
    let moves: Vec<_> = shuffled.iter().map(|e| e.m.uci().to_string()).collect();
    let evals: Vec<_> = shuffled.iter().map(|e| e.text()).collect();
    let (moves, evals, best) = (moves.join(" "), evals.join(" "), analysis[0].m.uci());
    let width = |width: usize, text: &str| {
        if native {
            width.max(text.len() + 1)
        } else {
            text.len() + 1
        }
    };
    let (m, e) = (width(MOVES_WIDTH, &moves), width(EVALS_WIDTH, &evals));
    format!(" {moves:<m$}E: {evals:<e$}B: {best}")
}

/// Every order with equal chances (Fisher and Yates).
fn shuffled(analysis: &[Entry], seed: u64, number: u64) -> Vec<Entry> {
    let mut rng = Stream::Order.of(seed, number);
    let mut entries = analysis.to_vec();
    for last in (1..entries.len()).rev() {
        let other = Draw::next(&mut rng).index(last as u32 + 1, &mut rng) as usize;
        entries.swap(last, other);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analysis_has_legal_moves_once_each() {
        let position = Chess::new();
        for refused in [&[][..], &["e2e5"], &["e2e4", "e2e4"], &["♔"]] {
            let entries: Vec<_> = refused.iter().map(|m| ((*m).to_owned(), 0)).collect();
            assert!(analysis_at(0, &position, &entries).is_err());
        }
    }
}
