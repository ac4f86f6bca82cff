//! What a completion of the `P:` task is worth.

use std::collections::HashSet;
use std::iter;

use shakmaty::{Chess, Position};

use super::policy::Entry;
use super::text;
use crate::vocabulary::TokenMove;

/// A true evaluation within this has no sign worth the name, in pawns.
const UNSIGNED: f64 = 0.2;
/// Texts of pawns that are this close name the same centipawns.
const EVAL_TOLERANCE: f64 = 1e-6;

/// What a completion has right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyScore {
    pub parsed: bool,
    pub markers: bool,
    pub moves: i32,
    pub evals: i32,
    pub wanted: i32,
    pub counts_equal: bool,
    pub legal: f64,
    pub best_legal: bool,
    pub best_rank: i32,
    pub best_in_listed: bool,
    pub hits: i32,
    pub jaccard: f64,
    pub evals_compared: i32,
    pub eval_error: f64,
    pub eval_sign_errors: i32,
    pub eval_within_one: i32,
    pub eval_closeness: f64,
    pub exact: bool,
}

/// The words of a completion by section; one that is badly written is `None`.
#[derive(Default)]
struct Sections {
    moves: Vec<Option<TokenMove>>,
    evals: Vec<Option<f64>>,
    best: Vec<Option<TokenMove>>,
    /// Markers in the order they come in.
    markers: Vec<u8>,
}

impl Sections {
    fn new(completion: &str) -> Sections {
        let mut sections = Sections::default();
        for word in completion.split_ascii_whitespace() {
            match (word, sections.markers.last()) {
                ("E:" | "B:", _) => sections.markers.push(word.as_bytes()[0]),
                (_, None) => sections.moves.push(text::uci(word)),
                (_, Some(b'E')) => sections.evals.push(text::decimal(word)),
                (_, Some(_)) => sections.best.push(text::uci(word)),
            }
        }
        sections
    }

    /// The one best move.
    fn best(&self) -> Option<TokenMove> {
        match self.best[..] {
            [best] => best,
            _ => None,
        }
    }

    /// The moves that are well written, each where it is listed first, with their evaluations.
    fn listed(&self) -> Vec<(TokenMove, Option<f64>)> {
        let mut seen = HashSet::new();
        let evals = self.evals.iter().copied().chain(iter::repeat(None));
        let pairs = self.moves.iter().zip(evals);
        let named = pairs.filter_map(|(m, eval)| Some(((*m)?, eval)));
        named.filter(|(m, _)| seen.insert(*m)).collect()
    }

    fn is_well_written(&self) -> bool {
        self.has_markers()
            && !self.moves.is_empty()
            && self.moves.iter().all(Option::is_some)
            && self.evals.iter().all(Option::is_some)
            && self.best().is_some()
    }

    fn has_markers(&self) -> bool {
        self.markers == *b"EB"
    }
}

/// Score one completion. `others` are evaluations of moves that the analysis does not list.
pub fn score(
    position: &Chess,
    analysis: &[Entry],
    others: &[Entry],
    completion: &str,
) -> PolicyScore {
    let sections = Sections::new(completion);
    let listed = sections.listed();
    let best = Best::new(position, analysis, &sections, &listed);
    let moves = Moves::new(position, analysis, &sections, &listed);
    let evals = Evals::new(analysis, others, &sections, &listed);
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let (n_moves, n_evals) = (
        sections.moves.iter().flatten().count(),
        sections.evals.iter().flatten().count(),
    );
    let parsed = sections.is_well_written();
    PolicyScore {
        parsed,
        markers: sections.has_markers(),
        moves: count(n_moves),
        evals: count(n_evals),
        wanted: count(analysis.len()),
        counts_equal: n_moves == n_evals && n_moves > 0,
        legal: moves.legal,
        best_legal: best.is_legal,
        best_rank: best.rank,
        best_in_listed: best.is_listed,
        hits: count(moves.hits),
        jaccard: moves.jaccard,
        evals_compared: count(evals.compared),
        eval_error: evals.error,
        eval_sign_errors: count(evals.sign_errors),
        eval_within_one: count(evals.within_one),
        eval_closeness: evals.closeness,
        exact: parsed
            && best.rank == 0
            && sections.moves.len() == analysis.len()
            && sections.evals.len() == analysis.len()
            && evals.all_right,
    }
}

/// About the move called best.
struct Best {
    is_legal: bool,
    rank: i32,
    is_listed: bool,
}

impl Best {
    fn new(
        position: &Chess,
        analysis: &[Entry],
        sections: &Sections,
        listed: &[(TokenMove, Option<f64>)],
    ) -> Best {
        let best = sections.best();
        let is_legal = best.is_some_and(|m| is_legal(position, m));
        let rank = analysis.iter().position(|entry| Some(entry.m) == best);
        Best {
            is_legal,
            rank: match rank {
                Some(rank) => rank as i32,
                None if is_legal => -1,
                None => -2,
            },
            is_listed: listed.iter().any(|(m, _)| Some(*m) == best),
        }
    }
}

fn is_legal(position: &Chess, named: TokenMove) -> bool {
    let legal = position.legal_moves();
    legal.iter().any(|&m| TokenMove::from(m) == named)
}

/// About the moves listed.
struct Moves {
    legal: f64,
    hits: usize,
    jaccard: f64,
}

impl Moves {
    fn new(
        position: &Chess,
        analysis: &[Entry],
        sections: &Sections,
        listed: &[(TokenMove, Option<f64>)],
    ) -> Moves {
        let legal = position.legal_moves();
        let is_legal = |named: TokenMove| legal.iter().any(|&m| TokenMove::from(m) == named);
        let n_legal = listed.iter().filter(|(m, _)| is_legal(*m)).count();
        let hits = analysis
            .iter()
            .filter(|e| listed.iter().any(|(m, _)| *m == e.m));
        let hits = hits.count();
        let union = analysis.len() + listed.len() - hits;
        Moves {
            legal: n_legal as f64 / sections.moves.len().max(1) as f64,
            hits,
            jaccard: hits as f64 / union.max(1) as f64,
        }
    }
}

/// About the evaluations of the moves listed, in pawns.
struct Evals {
    compared: usize,
    error: f64,
    sign_errors: usize,
    within_one: usize,
    closeness: f64,
    all_right: bool,
}

impl Evals {
    fn new(
        analysis: &[Entry],
        others: &[Entry],
        sections: &Sections,
        listed: &[(TokenMove, Option<f64>)],
    ) -> Evals {
        let pairs = |known: &[Entry]| -> Vec<(f64, f64)> {
            let pair = |&(m, eval): &(TokenMove, Option<f64>)| {
                let entry = known.iter().find(|entry| entry.m == m)?;
                Some((eval?, entry.pawns()))
            };
            listed.iter().filter_map(pair).collect()
        };
        let all = pairs(&[analysis, others].concat());
        let wanted = pairs(analysis);
        let error = |&(eval, truth): &(f64, f64)| (eval - truth).abs();
        let longest = sections
            .moves
            .len()
            .max(sections.evals.len())
            .max(analysis.len());
        let closeness: f64 = wanted.iter().map(|pair| (1.0 - error(pair)).max(0.0)).sum();
        let differs = |&&(eval, truth): &&(f64, f64)| truth.abs() > UNSIGNED && eval * truth < 0.0;
        Evals {
            compared: all.len(),
            error: match all.is_empty() {
                true => f64::NAN,
                false => all.iter().map(error).sum::<f64>() / all.len() as f64,
            },
            sign_errors: all.iter().filter(differs).count(),
            within_one: all.iter().filter(|pair| error(pair) <= 1.0).count(),
            closeness: closeness / longest as f64,
            all_right: wanted.len() == analysis.len()
                && wanted.iter().all(|pair| error(pair) <= EVAL_TOLERANCE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::policy::{analysis_at, completion};

    fn entries(position: &Chess, entries: &[(&str, i64)]) -> Vec<Entry> {
        let entries: Vec<_> = entries.iter().map(|&(m, c)| (m.to_owned(), c)).collect();
        analysis_at(0, position, &entries).unwrap()
    }

    #[test]
    fn a_row_is_exact_in_any_order_and_only_with_the_first_move_as_the_best() {
        let position = Chess::new();
        let analysis = entries(&position, &[("e2e4", 35), ("d2d4", -5), ("g1f3", 100)]);
        let score = |text: &str| score(&position, &analysis, &[], text);
        for number in 0..20 {
            let row = completion(&analysis, number % 2 == 0, 1, number);
            let score = score(&row);
            assert!(score.exact && score.eval_closeness == 1.0, "{row}");
        }
        let second = score(" e2e4 d2d4 g1f3 E: 0.35 -0.05 1.0 B: d2d4");
        assert_eq!((second.best_rank, second.exact), (1, false));
        let swapped = score(" e2e4 d2d4 g1f3 E: -0.05 0.35 1.0 B: e2e4");
        assert_eq!((swapped.jaccard, swapped.exact), (1.0, false));
    }
}
