//! Many random games at once.

use std::ops::Range;

use crate::csr::TokenRows;
use crate::error::{Error, Result};
use crate::outcome::Termination;
use crate::playout::{self, Choices, End, Rules};
use crate::rng::Address;
use crate::threads::Workers;

/// The shortest possible game: fool's mate.
pub const SHORTEST_GAME: usize = 4;

/// Which games to make.
#[derive(Clone)]
pub struct Request {
    pub seed: u64,
    /// Addresses under the seed.
    pub games: Range<u64>,
    pub rules: Rules,
    /// Replace each game that reaches the ply limit by the next attempt at its address.
    pub discard_ply_limit: bool,
    /// Also return what each move was drawn from.
    pub choices: bool,
}

/// Random games as columns; row `i` of each is game `games.start + i`.
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

struct Made {
    end: End,
    attempts: i32,
    choices: Choices,
}

/// Make the games of a request.
pub fn generate(request: &Request, workers: &Workers) -> Result<Games> {
    if request.discard_ply_limit && request.rules.max_ply < SHORTEST_GAME {
        let expected = format!(
            "at least {SHORTEST_GAME} with discard_ply_limit (no game ends sooner, so every game \
             would be discarded)"
        );
        return Err(Error::out_of_range(
            "max_ply",
            expected,
            request.rules.max_ply,
        ));
    }
    let max_ply = request.rules.max_ply;
    let n_games = (request.games.end - request.games.start) as usize;
    let mut tokens = zeroed("n_games x max_ply", n_games as u128 * max_ply as u128)?;
    let rows = tokens.chunks_exact_mut(max_ply).zip(request.games.clone());
    let made = workers.map(rows.collect(), |(row, index)| make(request, index, row));
    Ok(columns(request, tokens, &made))
}

/// Play attempts at one address until one is kept.
fn make(request: &Request, index: u64, row: &mut [i16]) -> Made {
    let mut choices = Choices::default();
    let mut attempt = 0;
    let end = loop {
        let address = Address {
            seed: request.seed,
            index,
            attempt,
        };
        let asked = request.choices.then_some(&mut choices);
        let end = playout::play(address, &request.rules, row, asked);
        attempt += 1;
        if !(request.discard_ply_limit && end.termination == Termination::PlyLimit) {
            break end;
        }
    };
    row[end.length..].fill(request.rules.vocabulary.pad);
    Made {
        end,
        attempts: attempt as i32,
        choices,
    }
}

fn columns(request: &Request, tokens: Vec<i16>, made: &[Made]) -> Games {
    let outcome = |made: &Made| {
        let outcome = made.end.termination.outcome(made.end.to_move);
        outcome.and_then(|o| request.rules.vocabulary.outcome_token(o))
    };
    let rows = |part: fn(&Made) -> &TokenRows| {
        TokenRows::concatenate(&made.iter().map(part).collect::<Vec<_>>())
    };
    Games {
        tokens,
        lengths: made.iter().map(|m| m.end.length as i32).collect(),
        terminations: made.iter().map(|m| m.end.termination as u8).collect(),
        outcomes: made
            .iter()
            .map(|m| outcome(m).expect("every way a random game ends has an outcome token"))
            .collect(),
        attempts: made.iter().map(|m| m.attempts).collect(),
        legal: request.choices.then(|| rows(|m| &m.choices.legal)),
        mating: (request.choices && request.rules.mate_boost != crate::rng::Probability::ZERO)
            .then(|| rows(|m| &m.choices.mating)),
    }
}

/// A zeroed array, or an error where this machine has no room for it.
fn zeroed(argument: &'static str, len: u128) -> Result<Vec<i16>> {
    let too_large = Error::TooLarge {
        argument,
        bytes: len * 2,
    };
    let Ok(len) = usize::try_from(len) else {
        return Err(too_large);
    };
    let mut array = Vec::new();
    array.try_reserve_exact(len).map_err(|_| too_large)?;
    array.resize(len, 0);
    Ok(array)
}
