//! Positions of random games by address.

use shakmaty::{Chess, Position};

use super::Stream;
use super::strata::{self, NAMES, Scene};
use crate::error::{Error, Result};
use crate::playout::Rules;
use crate::position::to_fen;
use crate::random_games::RandomGames;
use crate::replay;
use crate::rng::{Draw, GameRng, Probability};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// Moves before a position that a row tells.
pub const HISTORY: usize = 10;
/// Games looked at for a hard position before any position will do.
const HARD_TRIES: u64 = 48;
/// Games looked at before the bounds are taken for unmeetable.
const TRIES: u64 = 1000;

/// Which positions of a seed.
pub struct Wanted {
    pub seed: u64,
    /// Plies played before the position, at least and at most.
    pub min_ply: usize,
    pub max_ply: usize,
    /// The probability that a position is drawn from one of the strata.
    pub hard_ratio: Probability,
    /// The most men on the board, kings included.
    pub men_max: usize,
}

/// A position of a game that goes on.
pub struct TaskPosition {
    pub fen: String,
    /// The last moves before it, at most [`HISTORY`], in UCI.
    pub history: Vec<String>,
    pub ply: usize,
    pub strata: u16,
    pub men: usize,
}

/// The positions of these numbers.
pub fn sample(wanted: &Wanted, numbers: &[u64], workers: &Workers) -> Result<Vec<TaskPosition>> {
    if wanted.min_ply > wanted.max_ply {
        let expected = format!("at most max_ply = {}", wanted.max_ply);
        return Err(Error::out_of_range("min_ply", expected, wanted.min_ply));
    }
    let jobs = numbers.iter();
    jobs.map(|&number| {
        workers.check()?;
        sample_one(wanted, number, workers)
    })
    .collect()
}

fn sample_one(wanted: &Wanted, number: u64, workers: &Workers) -> Result<TaskPosition> {
    let mut rng = Stream::Position.of(wanted.seed, number);
    let is_hard = Draw::next(&mut rng).coin(wanted.hard_ratio);
    let stratum = Draw::next(&mut rng).index(NAMES.len() as u32, &mut rng) as usize;
    let mut games = Games::new(wanted, number);
    for game in 0..TRIES {
        workers.check()?;
        let stratum = (is_hard && game < HARD_TRIES).then_some(stratum);
        let tokens = games.play(game);
        let plies = eligible(wanted, tokens, stratum);
        if let Some(ply) = pick(&plies, &mut rng) {
            return Ok(position_after(&tokens[..ply]));
        }
    }
    let Wanted {
        min_ply, max_ply, ..
    } = wanted;
    let expected = format!("more in plies {min_ply} to {max_ply}: {TRIES} games had so few never");
    Err(Error::out_of_range("men_max", expected, wanted.men_max))
}

/// The random games at the address of a position.
struct Games {
    random: RandomGames,
    number: u64,
    tokens: Vec<i16>,
}

impl Games {
    fn new(wanted: &Wanted, number: u64) -> Games {
        // A move more than the last position: where a game makes it, the position is not the end.
        let max_ply = wanted.max_ply + 1;
        let rules = Rules {
            max_ply,
            mate_boost: Probability::ZERO,
            vocabulary: Vocabulary::canonical(),
        };
        Games {
            random: RandomGames {
                seed: wanted.seed,
                games: 0..0,
                rules,
            },
            number,
            tokens: vec![0; max_ply],
        }
    }

    /// The moves of the k-th game.
    fn play(&mut self, k: u64) -> &[i16] {
        let attempt = Stream::Position as u64 + 1 + k;
        let end = self
            .random
            .play(self.number, attempt, &mut self.tokens, None);
        &self.tokens[..end.length]
    }
}

/// The plies of a game whose positions will do; the game goes on after each.
fn eligible(wanted: &Wanted, tokens: &[i16], stratum: Option<usize>) -> Vec<usize> {
    let is_eligible = |position: &Chess| {
        strata::men(position) <= wanted.men_max
            && stratum.is_none_or(|stratum| Scene::new(position).has(stratum))
    };
    let mut position = Chess::new();
    let mut plies = Vec::new();
    for (ply, &token) in tokens.iter().enumerate() {
        if ply >= wanted.min_ply && is_eligible(&position) {
            plies.push(ply);
        }
        play(&mut position, token);
    }
    plies
}

fn pick(plies: &[usize], rng: &mut GameRng) -> Option<usize> {
    let n = plies.len() as u32;
    (n > 0).then(|| plies[Draw::next(rng).index(n, rng) as usize])
}

fn position_after(tokens: &[i16]) -> TaskPosition {
    let mut position = Chess::new();
    tokens.iter().for_each(|&token| play(&mut position, token));
    let last = &tokens[tokens.len().saturating_sub(HISTORY)..];
    TaskPosition {
        fen: to_fen(&position),
        history: last.iter().map(|&token| uci(token)).collect(),
        ply: tokens.len(),
        strata: Scene::new(&position).strata(),
        men: strata::men(&position),
    }
}

fn play(position: &mut Chess, token: i16) {
    let m = replay::legal_move(position, token, Vocabulary::canonical());
    position.play_unchecked(m.expect("a generated game is legal"));
}

fn uci(token: i16) -> String {
    let m = Vocabulary::canonical().move_of(token);
    m.expect("a generated game has moves").uci().to_string()
}
