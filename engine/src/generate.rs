//! Many random games at once.

use shakmaty::Color;

use crate::buffers;
use crate::csr::TokenRows;
use crate::error::{Error, Result};
use crate::outcome::Termination;
use crate::playout::{Choices, End};
use crate::random_games::RandomGames;
use crate::rng::Probability;
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// The shortest possible game: fool's mate.
const SHORTEST_GAME: usize = 4;
/// The shortest game that white wins.
const SHORTEST_WHITE_MATE: usize = 5;

/// Which games stay. Every other one is replaced by the next attempt at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// Those that end by the rules, not by the ply limit.
    Finished,
    /// Those that end in checkmate, by this side where one is named.
    Checkmates(Option<Color>),
}

impl Keep {
    /// All games, or only those that end by the rules.
    pub fn finished(only: bool) -> Keep {
        match only {
            true => Keep::Finished,
            false => Keep::All,
        }
    }

    /// Refuse a ply limit below which no game would stay.
    fn check(self, max_ply: usize) -> Result<()> {
        let (least, what) = match self {
            Keep::All => return Ok(()),
            Keep::Finished => (
                SHORTEST_GAME,
                "discard_ply_limit (no game ends sooner, so every game would be discarded)",
            ),
            Keep::Checkmates(Some(Color::White)) => (SHORTEST_WHITE_MATE, "checkmates by white"),
            Keep::Checkmates(_) => (SHORTEST_GAME, "checkmates"),
        };
        if max_ply >= least {
            return Ok(());
        }
        let expected = format!("at least {least} with {what}");
        Err(Error::out_of_range("max_ply", expected, max_ply))
    }

    fn keeps(self, end: End) -> bool {
        match self {
            Keep::All => true,
            Keep::Finished => end.termination != Termination::PlyLimit,
            Keep::Checkmates(side) => {
                let winner = !end.to_move;
                end.termination == Termination::Checkmate && side.is_none_or(|s| s == winner)
            }
        }
    }
}

/// Which games to make.
#[derive(Clone)]
pub struct Request {
    pub random: RandomGames,
    pub keep: Keep,
    /// Also return what each move was drawn from.
    pub choices: bool,
}

/// Random games as columns; row `i` of each is game `random.games.start + i`.
pub struct Games {
    /// `max_ply` tokens a game, PAD after its end.
    pub tokens: Vec<i16>,
    pub lengths: Vec<i32>,
    pub terminations: Vec<u8>,
    /// Outcome tokens.
    pub outcomes: Vec<i16>,
    /// How many candidates were played for each game.
    pub attempts: Vec<i32>,
    /// One row a ply, game after game, where asked.
    pub legal: Option<TokenRows>,
    /// As `legal`, where the rules have a mate boost too.
    pub mating: Option<TokenRows>,
}

impl Games {
    /// The moves of one game, without its padding.
    pub fn moves(&self, game: usize) -> &[i16] {
        let max_ply = self.tokens.len() / self.lengths.len();
        &self.tokens[game * max_ply..][..self.lengths[game] as usize]
    }
}

/// Games that one thread makes in one go, so that their choices share buffers.
const CHUNK: usize = 4;
/// Chunks a thread makes before choices are collected. Collecting as we go lets buffers be used
/// again, which stay in the cache; fresh memory would cost more than the games.
const CHUNKS_A_ROUND: usize = 24;

struct Made {
    end: End,
    attempts: i32,
}

#[derive(Default)]
struct Chunk {
    games: Vec<Made>,
    choices: Choices,
}

/// Make the games of a request.
pub fn generate(request: &Request, workers: &Workers) -> Result<Games> {
    let max_ply = request.random.rules.max_ply;
    request.keep.check(max_ply)?;
    let len = request.random.n_games() as u128 * max_ply as u128;
    let mut tokens = buffers::zeroed("n_games x max_ply", len)?;
    let all = make_all(request, &mut tokens, workers)?;
    Ok(columns(request, tokens, all))
}

fn make_all(request: &Request, tokens: &mut [i16], workers: &Workers) -> Result<Chunk> {
    let starts = request.random.games.clone().step_by(CHUNK);
    let mut jobs = tokens
        .chunks_mut(CHUNK * request.random.rules.max_ply)
        .zip(starts);
    let round = match request.choices {
        true => workers.count() * CHUNKS_A_ROUND,
        false => usize::MAX,
    };
    let mut all = Chunk::default();
    let mut buffers: Vec<Choices> = Vec::new();
    loop {
        let with_buffer = |(rows, first)| (rows, first, buffers.pop().unwrap_or_default());
        let batch: Vec<_> = jobs.by_ref().take(round).map(with_buffer).collect();
        if batch.is_empty() {
            return Ok(all);
        }
        let make = |(rows, first, buffer)| make_chunk(request, first, rows, buffer, workers);
        let made = workers.try_map(batch, make)?.into_iter();
        let (games, choices): (Vec<_>, Vec<_>) = made.map(|c| (c.games, c.choices)).unzip();
        all.games.extend(games.into_iter().flatten());
        let share = all.games.len() as f64 / request.random.n_games() as f64;
        all.choices.append_all(&choices, share, workers)?;
        buffers = choices;
    }
}

fn make_chunk(
    request: &Request,
    first: u64,
    rows: &mut [i16],
    mut choices: Choices,
    workers: &Workers,
) -> Result<Chunk> {
    choices.truncate(0);
    let rows = rows.chunks_exact_mut(request.random.rules.max_ply);
    let games = rows
        .zip(first..)
        .map(|(row, index)| make(request, index, row, &mut choices, workers));
    Ok(Chunk {
        games: games.collect::<Result<_>>()?,
        choices,
    })
}

/// Play attempts at one address until one is kept.
fn make(
    request: &Request,
    index: u64,
    row: &mut [i16],
    choices: &mut Choices,
    workers: &Workers,
) -> Result<Made> {
    let kept = choices.legal.n_rows();
    let mut attempt = 0;
    let end = loop {
        let asked = request.choices.then_some(&mut *choices);
        let end = request.random.play(index, attempt, row, asked);
        attempt += 1;
        if request.keep.keeps(end) {
            break end;
        }
        choices.truncate(kept);
        workers.check()?;
    };
    row[end.length..].fill(request.random.rules.vocabulary.pad);
    Ok(Made {
        end,
        attempts: attempt as i32,
    })
}

fn columns(request: &Request, tokens: Vec<i16>, all: Chunk) -> Games {
    let games = &all.games;
    let rules = &request.random.rules;
    let boosted = rules.mate_boost != Probability::ZERO;
    Games {
        tokens,
        lengths: games.iter().map(|m| m.end.length as i32).collect(),
        terminations: games.iter().map(|m| m.end.termination as u8).collect(),
        outcomes: games
            .iter()
            .map(|m| outcome_token(m.end, rules.vocabulary))
            .collect(),
        attempts: games.iter().map(|m| m.attempts).collect(),
        legal: request.choices.then_some(all.choices.legal),
        mating: (request.choices && boosted).then_some(all.choices.mating),
    }
}

fn outcome_token(end: End, vocabulary: &Vocabulary) -> i16 {
    let outcome = end.termination.outcome(end.to_move);
    let token = outcome.and_then(|outcome| vocabulary.outcome_token(outcome));
    token.expect("every way a random game ends has an outcome token")
}
