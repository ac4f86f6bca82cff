//! The next move of a random game whose outcome is known.
//!
//! The player draws uniformly, so by Bayes' rule `P(move | outcome)` is `P(outcome | move)` over its
//! sum over the legal moves, and the best guess is right with the largest of these. Rollouts
//! estimate them. Guessing and judging by the same rollouts flatters the guess (the maximum of noisy
//! shares is too large); guessing by one half and judging by the other is too low, since the guess
//! may be wrong. The truth lies between the two.

use crate::error::Result;
use crate::outcome::Outcome;
use crate::playout::{Rules, Walk};
use crate::rng::GameRng;
use crate::threads::Workers;

/// How many rollouts behind a move ended in the outcome: of the first half, of the second.
pub type Hits = [u32; 2];

/// The positions behind those moves that do not end the game in another outcome at once: the
/// one-ply filter. They are never empty where the game did end in the outcome.
pub fn possible(walk: &Walk, moves: &[i16], outcome: Outcome, rules: &Rules) -> Vec<Walk> {
    let after = moves.iter().map(|&token| {
        let mut next = walk.clone();
        let played = next.play(token, rules.vocabulary);
        played.expect("these are the legal moves");
        next
    });
    let contradicts = |next: &Walk| {
        let ended = next.termination(rules.max_ply);
        ended.is_some_and(|end| end.outcome(next.turn()) != Some(outcome))
    };
    after.filter(|next| !contradicts(next)).collect()
}

/// Play on from each position, `rollouts` times, to the end.
pub fn roll_out(
    positions: &[Walk],
    outcome: Outcome,
    rules: &Rules,
    rollouts: u32,
    rng: &mut GameRng,
    workers: &Workers,
) -> Result<Vec<Hits>> {
    let mut half = |position: &Walk| -> Result<u32> {
        let mut hits = 0;
        for _ in 0..rollouts / 2 {
            workers.check()?;
            let end = position.clone().rollout(rules, rng);
            hits += u32::from(end.termination.outcome(end.to_move) == Some(outcome));
        }
        Ok(hits)
    };
    let both = |position| Ok([half(position)?, half(position)?]);
    positions.iter().map(both).collect()
}

/// How often the best move would be right, chosen and judged by all rollouts; `None` where none
/// ended in the outcome.
pub fn upper(hits: &[Hits]) -> Option<f64> {
    let counts = || hits.iter().map(|[a, b]| u64::from(a + b));
    let all: u64 = counts().sum();
    (all > 0).then(|| counts().max().unwrap_or(0) as f64 / all as f64)
}

/// How often the best move would be right, chosen by one half and judged by the other; the mean of
/// both ways. Equally good moves are judged by their mean, and where the judges saw nothing, every
/// move counts the same.
pub fn lower(hits: &[Hits]) -> f64 {
    (judged(hits, 0, 1) + judged(hits, 1, 0)) / 2.0
}

fn judged(hits: &[Hits], chooser: usize, judge: usize) -> f64 {
    let all: u64 = hits.iter().map(|h| u64::from(h[judge])).sum();
    if all == 0 {
        return 1.0 / hits.len() as f64;
    }
    let best = hits.iter().map(|h| h[chooser]).max().unwrap_or(0);
    let chosen = hits.iter().filter(|h| h[chooser] == best);
    let (n, sum) = chosen.fold((0, 0), |(n, sum), h| (n + 1, sum + u64::from(h[judge])));
    sum as f64 / n as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Game;
    use crate::position::parse_fen;
    use crate::rng::{Address, Probability};
    use crate::vocabulary::Vocabulary;
    use shakmaty::Position;

    const STREAMS: u64 = 400;

    fn rules(max_ply: usize) -> Rules {
        Rules {
            max_ply,
            mate_boost: Probability::ZERO,
            vocabulary: Vocabulary::canonical(),
        }
    }

    /// The probability of the outcome, by visiting every game.
    fn exact(game: &Game, plies: usize, outcome: Outcome) -> f64 {
        let legal = game.position().legal_moves();
        if let Some(end) = game.termination(&legal, plies == 0) {
            let is_it = end.outcome(game.position().turn()) == Some(outcome);
            return f64::from(u8::from(is_it));
        }
        after(game, plies, outcome).iter().sum::<f64>() / legal.len() as f64
    }

    fn after(game: &Game, plies: usize, outcome: Outcome) -> Vec<f64> {
        let play = |&m| {
            let mut next = game.clone();
            next.play(m);
            exact(&next, plies - 1, outcome)
        };
        game.position().legal_moves().iter().map(play).collect()
    }

    /// The mean of lower and upper estimates over independent rollouts, and the exact ceiling.
    fn estimates(fen: &str, plies: usize, outcome: Outcome, rollouts: u32) -> (f64, f64, f64) {
        let position = parse_fen(fen).unwrap();
        let (walk, rules) = (Walk::from_position(&position), rules(plies));
        let mut row = [0; 256];
        let next = possible(
            &walk,
            walk.tokens(rules.vocabulary, &mut row),
            outcome,
            &rules,
        );
        let (mut low, mut high) = (0.0, 0.0);
        for index in 0..STREAMS {
            let mut rng = GameRng::new(Address {
                seed: 7,
                index,
                attempt: 0,
            });
            let workers = Workers::caller();
            let hits = roll_out(&next, outcome, &rules, rollouts, &mut rng, &workers).unwrap();
            low += lower(&hits) / STREAMS as f64;
            high += upper(&hits).unwrap_or(1.0) / STREAMS as f64;
        }
        let shares = after(&Game::from(position), plies, outcome);
        let best = shares.iter().copied().fold(0.0, f64::max);
        (low, best / shares.iter().sum::<f64>(), high)
    }

    /// White can mate or stalemate within three plies.
    const QUEEN_ENDING: &str = "7k/8/5K2/8/8/8/8/1Q6 w - - 0 1";

    #[test]
    fn the_exact_ceiling_lies_between_the_estimates() {
        let (low, exact, high) = estimates(QUEEN_ENDING, 3, Outcome::WhiteCheckmates, 40);
        assert!(exact / 4.0 < low && low < exact, "{low} {exact}");
        assert!(exact < high && high < exact * 4.0, "{high} {exact}");
    }

    #[test]
    fn the_estimates_meet_the_exact_ceiling_with_many_rollouts() {
        let (low, exact, high) = estimates(QUEEN_ENDING, 3, Outcome::Stalemate, 400);
        assert!((low - exact).abs() < 0.02 * exact, "{low} {exact}");
        assert!((high - exact).abs() < 0.02 * exact, "{high} {exact}");
    }

    #[test]
    fn a_move_that_ends_the_game_otherwise_is_impossible() {
        // Four mates in one, and eight moves that mate nobody.
        let position = parse_fen("6k1/5ppp/8/8/8/8/8/K2R4 w - - 0 1").unwrap();
        let walk = Walk::from_position(&position);
        let mut row = [0; 256];
        let moves = walk.tokens(Vocabulary::canonical(), &mut row);
        let count = |outcome, plies| possible(&walk, moves, outcome, &rules(plies)).len();
        assert_eq!(count(Outcome::DrawByRule, 10), moves.len() - 1);
        assert_eq!(count(Outcome::WhiteCheckmates, 10), moves.len());
        assert_eq!(count(Outcome::WhiteCheckmates, 1), 1);
        assert_eq!(count(Outcome::PlyLimit, 1), moves.len() - 1);
    }

    #[test]
    fn ties_and_silence_count_as_a_guess_among_equals() {
        assert_eq!(upper(&[[0, 0], [0, 0]]), None);
        assert_eq!(lower(&[[0, 0], [0, 0]]), 0.5);
        assert_eq!(lower(&[[1, 0], [0, 1]]), 0.0);
        assert_eq!(lower(&[[2, 2], [2, 2], [0, 4]]), (0.25 + 0.0) / 2.0);
        assert_eq!(upper(&[[2, 2], [2, 2], [0, 3]]), Some(4.0 / 11.0));
    }
}
