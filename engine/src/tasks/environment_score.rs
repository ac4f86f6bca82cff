//! What a completion of the `A:` task is worth.

use shakmaty::fen::Fen;
use shakmaty::{CastlingMode, Chess, EnPassantMode};

use super::environment::Step;
use super::text;
use crate::error::Result;
use crate::game::Game;
use crate::position;
use crate::threads::Workers;

/// Rewards differ by more than this: .01 would take 0.0 for 0.001.
const REWARD_TOLERANCE: f64 = 1e-6;

/// What a completion has right, field by field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnvironmentScore {
    pub parsed: bool,
    pub fen_valid: bool,
    pub fen_exact: bool,
    pub fen_fields: [bool; 6],
    pub fen_similarity: f64,
    pub reward_parsed: bool,
    pub reward_error: f64,
    pub reward_exact: bool,
    pub flags_parsed: bool,
    pub terminated_right: bool,
    pub truncated_right: bool,
    pub exact: bool,
}

/// Score completions, one for each position and move.
pub fn score_all(
    fens: &[String],
    ucis: &[String],
    completions: &[String],
    workers: &Workers,
) -> Result<Vec<EnvironmentScore>> {
    let mut scores = Vec::with_capacity(completions.len());
    // The completions of a group stand together and share their question.
    let mut last: Option<(&str, &str, Step)> = None;
    for (index, completion) in completions.iter().enumerate() {
        workers.check()?;
        let (fen, uci) = (fens[index].as_str(), ucis[index].as_str());
        let step = match last.take() {
            Some((f, u, step)) if (f, u) == (fen, uci) => step,
            _ => Step::new(Game::from(position::position_at(index, fen)?), uci),
        };
        scores.push(score(&step, completion));
        last = Some((fen, uci, step));
    }
    Ok(scores)
}

/// Score one completion against the truth.
pub fn score(step: &Step, completion: &str) -> EnvironmentScore {
    let fields = Fields::new(completion);
    let fen = text::collapse(fields.fen);
    let fen_exact = fen == step.fen;
    let reward_error = fields
        .reward
        .map_or(f64::NAN, |reward| (reward - step.reward.value()).abs());
    EnvironmentScore {
        parsed: fields.count == 4,
        fen_valid: fen_exact || is_valid(&fen),
        fen_exact,
        fen_fields: equal_fields(&step.fen, &fen),
        fen_similarity: text::similarity(&step.fen, &fen),
        reward_parsed: fields.reward.is_some(),
        reward_error,
        reward_exact: reward_error <= REWARD_TOLERANCE,
        flags_parsed: fields.terminated.is_some() && fields.truncated.is_some(),
        terminated_right: fields.terminated == Some(step.terminated),
        truncated_right: fields.truncated == Some(step.truncated),
        exact: text::collapse(completion) == step.text(),
    }
}

/// The fields of a completion; one that is missing or badly written is `None`.
struct Fields<'a> {
    count: usize,
    fen: &'a str,
    reward: Option<f64>,
    terminated: Option<bool>,
    truncated: Option<bool>,
}

impl Fields<'_> {
    fn new(completion: &str) -> Fields<'_> {
        let mut fields = completion.split('+').map(str::trim_ascii);
        Fields {
            count: completion.split('+').count(),
            fen: fields.next().unwrap_or_default(),
            reward: fields.next().and_then(text::decimal),
            terminated: fields.next().and_then(flag),
            truncated: fields.next().and_then(flag),
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Which of the six fields of a FEN are right; none where there are more.
fn equal_fields(right: &str, written: &str) -> [bool; 6] {
    let mut equal = [false; 6];
    if written.split(' ').count() <= equal.len() {
        let pairs = right.split(' ').zip(written.split(' '));
        equal
            .iter_mut()
            .zip(pairs)
            .for_each(|(e, (r, w))| *e = r == w);
    }
    equal
}

/// Whether this is a legal position as a FEN is written: with its castling rights in order, no
/// leading zeros, and an en-passant square after any double step or only where there is a capture.
fn is_valid(fen: &str) -> bool {
    let Ok(parsed) = fen.parse::<Fen>() else {
        return false;
    };
    let Ok(position) = parsed.into_position::<Chess>(CastlingMode::Standard) else {
        return false;
    };
    let modes = [EnPassantMode::Legal, EnPassantMode::Always];
    modes
        .iter()
        .any(|&mode| Fen::from_position(&position, mode).to_string() == fen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
    const FEN: &str = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1";

    fn scored(completion: &str) -> EnvironmentScore {
        let position = position::position_at(0, START).unwrap();
        score(&Step::new(Game::from(position), "e2e4"), completion)
    }

    #[test]
    fn the_right_completion_is_exact() {
        for completion in [format!("{FEN}+0.001+0+0"), format!("  {FEN}+0.001+0+0\n")] {
            let score = scored(&completion);
            assert!(score.parsed && score.fen_valid && score.fen_exact && score.exact);
            assert_eq!(score.fen_fields, [true; 6]);
            assert_eq!((score.fen_similarity, score.reward_error), (1.0, 0.0));
            assert!(score.reward_exact && score.flags_parsed);
            assert!(score.terminated_right && score.truncated_right);
        }
    }

    #[test]
    fn a_fen_is_valid_as_it_is_written_only() {
        let valid = [
            FEN,
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1",
        ];
        assert!(valid.iter().all(|fen| is_valid(fen)));
        let invalid = [
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b kqKQ - 0 1",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b HAha - 0 1",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 00 1",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 01",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 0",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq -",
            "rnbqkbnr/pppppppp/8/44/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR_b_KQkq_-_0_1",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e6 0 1",
            "rnbq1bnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1",
            "rnbq1bnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b - - 0 1",
            "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1 1",
            "",
            "♔",
        ];
        for fen in invalid {
            assert!(!is_valid(fen), "{fen}");
        }
    }
}
