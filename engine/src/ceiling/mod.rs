//! How accurate a prediction of the next move of random games can be, at best.
//!
//! Play is uniform over the legal moves, so a predictor that knows the game so far is right with
//! probability 1/N where N moves are legal. One that also knows how the game will end can do better:
//! `P(move | outcome)` is proportional to the share of games going on behind the move that end so
//! (`posterior`).

mod bootstrap;
mod posterior;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::buffers;
use crate::error::Result;
use crate::outcome::Outcome;
use crate::playout::{TokenRow, Walk};
use crate::random_games::RandomGames;
use crate::rng::{Draw, GameRng, Probability};
use crate::threads::Workers;

pub use bootstrap::Estimate;

/// Streams of a game's address beside those of its attempts: which of its positions are sampled,
/// and (plus the ply) the rollouts from each.
const SAMPLING: u64 = u64::MAX;
const ROLLOUTS: u64 = 1 << 63;

#[derive(Clone)]
pub struct Request {
    pub random: RandomGames,
    /// Share of the positions whose ceiling given the outcome is looked for.
    pub sample_rate: Probability,
    /// Games played on behind each legal move of a sampled position; even.
    pub rollouts: u32,
    /// Bootstrap resamples of the games.
    pub resamples: usize,
}

/// What one game adds; sums over its moves, or over those of its positions that were sampled. What
/// the outcome is worth is kept as the gain on 1/N: it varies less than the ceilings themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    moves: f64,
    unconditional: f64,
    /// As `unconditional`, without ply 0.
    unconditional_later: f64,
    sampled: f64,
    gain_naive: f64,
    gain_lower: f64,
    gain_upper: f64,
    unresolved: f64,
}

/// The mean ceilings over a set of positions.
pub struct Ceilings {
    pub n_positions: u64,
    pub unconditional: Estimate,
    /// `None` where no position was sampled.
    pub naive: Option<Estimate>,
    /// `None` also where there are no rollouts.
    pub mc_lower: Option<Estimate>,
    pub mc_upper: Option<Estimate>,
}

pub struct AccuracyCeiling {
    /// Positions before a move.
    pub moves: Ceilings,
    /// Those and the end of each game, where PAD is certain.
    pub prefixed: Ceilings,
    /// As `prefixed`, without ply 0.
    pub pure_unconditional: Estimate,
    pub n_sampled: u64,
    pub n_unresolved: u64,
}

/// Play the games and return what each adds; `done` counts the games finished.
pub fn sums(request: &Request, workers: &Workers, done: &AtomicUsize) -> Result<Vec<Sums>> {
    let one = |index| {
        let sums = game(request, index, workers)?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok(sums)
    };
    workers.try_map(request.random.games.clone().collect(), one)
}

fn game(request: &Request, index: u64, workers: &Workers) -> Result<Sums> {
    let (random, rules) = (&request.random, &request.random.rules);
    let mut tokens = buffers::zeroed("max_ply", rules.max_ply as u128)?;
    let end = random.play(index, 0, &mut tokens, None);
    let outcome = end.termination.outcome(end.to_move);
    let outcome = outcome.expect("every random game has an outcome");
    let mut sampling = GameRng::new(random.address(index, SAMPLING));
    let (mut sums, mut walk) = (Sums::default(), Walk::start());
    for &token in &tokens[..end.length] {
        sums.add_position(&walk);
        if Draw::next(&mut sampling).coin(request.sample_rate) {
            let mut rng = GameRng::new(random.address(index, ROLLOUTS + walk.ply() as u64));
            sums.add_sampled(&walk, outcome, request, &mut rng, workers)?;
        }
        let played = walk.play(token, rules.vocabulary);
        played.expect("the playout plays legal moves");
    }
    Ok(sums)
}

impl Sums {
    /// How many numbers there are.
    pub const FIELDS: usize = 8;

    pub fn numbers(&self) -> [f64; Sums::FIELDS] {
        [
            self.moves,
            self.unconditional,
            self.unconditional_later,
            self.sampled,
            self.gain_naive,
            self.gain_lower,
            self.gain_upper,
            self.unresolved,
        ]
    }

    pub fn from_numbers(numbers: [f64; Sums::FIELDS]) -> Sums {
        Sums {
            moves: numbers[0],
            unconditional: numbers[1],
            unconditional_later: numbers[2],
            sampled: numbers[3],
            gain_naive: numbers[4],
            gain_lower: numbers[5],
            gain_upper: numbers[6],
            unresolved: numbers[7],
        }
    }

    fn add_position(&mut self, walk: &Walk) {
        let chance = 1.0 / walk.n_legal() as f64;
        self.moves += 1.0;
        self.unconditional += chance;
        self.unconditional_later += if walk.ply() > 0 { chance } else { 0.0 };
    }

    fn add_sampled(
        &mut self,
        walk: &Walk,
        outcome: Outcome,
        request: &Request,
        rng: &mut GameRng,
        workers: &Workers,
    ) -> Result<()> {
        let mut row: TokenRow = [0; 256];
        let rules = &request.random.rules;
        let moves = walk.tokens(rules.vocabulary, &mut row);
        let chance = 1.0 / moves.len() as f64;
        let next = posterior::possible(walk, moves, outcome, rules);
        let naive = 1.0 / next.len() as f64;
        self.sampled += 1.0;
        self.gain_naive += naive - chance;
        if request.rollouts > 0 {
            let hits = posterior::roll_out(&next, outcome, rules, request.rollouts, rng, workers)?;
            let upper = posterior::upper(&hits);
            self.gain_lower += posterior::lower(&hits) - chance;
            self.gain_upper += upper.unwrap_or(1.0) - chance;
            self.unresolved += f64::from(u8::from(upper.is_none()));
        }
        Ok(())
    }

    fn add(mut self, other: &Sums) -> Sums {
        self.moves += other.moves;
        self.unconditional += other.unconditional;
        self.unconditional_later += other.unconditional_later;
        self.sampled += other.sampled;
        self.gain_naive += other.gain_naive;
        self.gain_lower += other.gain_lower;
        self.gain_upper += other.gain_upper;
        self.unresolved += other.unresolved;
        self
    }

    /// The mean over the moves, and over `certain` more positions with a ceiling of 1.
    fn mean(&self, gain: f64, certain: f64) -> f64 {
        let gain = if gain == 0.0 {
            0.0
        } else {
            gain / self.sampled
        };
        (self.unconditional + gain * self.moves + certain) / (self.moves + certain)
    }
}

/// The ceilings by what each game adds.
pub fn combine(request: &Request, games: &[Sums], workers: &Workers) -> Result<AccuracyCeiling> {
    let n_games = games.len() as f64;
    let total = games.iter().fold(Sums::default(), Sums::add);
    let statistics = |sums: &Sums| -> [f64; 9] {
        let gains = [0.0, sums.gain_naive, sums.gain_lower, sums.gain_upper];
        let mut all = [0.0; 9];
        for (i, gain) in gains.into_iter().enumerate() {
            all[i] = sums.mean(gain, 0.0);
            all[i + 4] = sums.mean(gain, n_games);
        }
        all[8] = (sums.unconditional_later + n_games) / sums.moves;
        all
    };
    let estimates = bootstrap::estimate(request, games, statistics, workers)?;
    let ceilings = |first: usize, n_positions: f64| {
        let sampled =
            |i, wanted: bool| (wanted && total.sampled > 0.0).then_some(estimates[first + i]);
        Ceilings {
            n_positions: n_positions as u64,
            unconditional: estimates[first],
            naive: sampled(1, true),
            mc_lower: sampled(2, request.rollouts > 0),
            mc_upper: sampled(3, request.rollouts > 0),
        }
    };
    Ok(AccuracyCeiling {
        moves: ceilings(0, total.moves),
        prefixed: ceilings(4, total.moves + n_games),
        pure_unconditional: estimates[8],
        n_sampled: total.sampled as u64,
        n_unresolved: total.unresolved as u64,
    })
}
