//! Many games side by side, one ply at a time: the environment of evaluations and rollouts.

use shakmaty::Chess;

use crate::csr::TokenRows;
use crate::error::{Error, Result};
use crate::outcome::Termination;
use crate::playout::{PackedGame, Place, TokenRow};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// Games that one thread takes in one go.
const CHUNK: usize = 64;

pub struct BatchGames {
    seats: Vec<Seat>,
    max_ply: usize,
    vocabulary: &'static Vocabulary,
}

/// One game of a batch, and what may come next in it.
#[derive(Clone)]
struct Seat {
    /// The tokens that may come next, ascending: the legal moves, or PAD alone where the game is
    /// over.
    row: TokenRow,
    n_next: usize,
    termination: Option<Termination>,
    game: PackedGame,
    history: Vec<i16>,
    start: Chess,
}

impl BatchGames {
    /// Games from the starting position.
    pub fn new(
        n_games: usize,
        max_ply: usize,
        vocabulary: &'static Vocabulary,
    ) -> Result<BatchGames> {
        let mut seats = Vec::new();
        let reserved = seats.try_reserve_exact(n_games);
        reserved.map_err(|_| Error::TooLarge {
            argument: "n_games",
            bytes: n_games as u128 * size_of::<Seat>() as u128,
        })?;
        seats.resize(n_games, Seat::new(Chess::new(), max_ply, vocabulary));
        Ok(BatchGames {
            seats,
            max_ply,
            vocabulary,
        })
    }

    /// Games from these positions.
    pub fn from_positions(
        starts: Vec<Chess>,
        max_ply: usize,
        vocabulary: &'static Vocabulary,
        workers: &Workers,
    ) -> Result<BatchGames> {
        let mut games = BatchGames::new(starts.len(), max_ply, vocabulary)?;
        let jobs = games.seats.iter_mut().zip(starts);
        workers.map(jobs.collect(), |(seat, start)| {
            *seat = Seat::new(start, max_ply, vocabulary);
        })?;
        Ok(games)
    }

    /// Play one move in every game still going on; the others take PAD. Where one of the moves is
    /// illegal, none is played.
    pub fn apply(&mut self, moves: &[i16], workers: &Workers) -> Result<()> {
        self.check(moves, workers)?;
        let (max_ply, vocabulary) = (self.max_ply, self.vocabulary);
        let jobs = self.seats.chunks_mut(CHUNK).zip(moves.chunks(CHUNK));
        workers.map(jobs.collect(), |(seats, moves)| {
            let mut place = Place::start();
            for (seat, &token) in seats.iter_mut().zip(moves) {
                seat.play(token, &mut place, max_ply, vocabulary);
            }
        })?;
        Ok(())
    }

    fn check(&self, moves: &[i16], workers: &Workers) -> Result<()> {
        let jobs = self.seats.chunks(CHUNK).zip(moves.chunks(CHUNK)).zip(0..);
        let refused = workers.map(jobs.collect(), |((seats, moves), chunk)| {
            let pairs = seats.iter().zip(moves);
            let refused = pairs
                .enumerate()
                .find(|(_, (seat, token))| !seat.takes(**token));
            refused.map(|(i, (seat, &token))| (chunk * CHUNK + i, seat, token))
        })?;
        match refused.into_iter().flatten().next() {
            Some((game, seat, token)) => Err(seat.refusal(game, token, self.vocabulary)),
            None => Ok(()),
        }
    }

    /// Begin the chosen games again from their first positions.
    pub fn reset(&mut self, chosen: &[bool], workers: &Workers) -> Result<()> {
        let (max_ply, vocabulary) = (self.max_ply, self.vocabulary);
        let jobs = self.seats.chunks_mut(CHUNK).zip(chosen.chunks(CHUNK));
        workers.map(jobs.collect(), |(seats, chosen)| {
            let chosen = seats.iter_mut().zip(chosen).filter(|(_, chosen)| **chosen);
            for (seat, _) in chosen {
                *seat = Seat::new(seat.start.clone(), max_ply, vocabulary);
            }
        })?;
        Ok(())
    }

    /// The tokens that may come next, a row a game.
    pub fn legal_tokens(&self) -> TokenRows {
        let mut rows = TokenRows::default();
        self.seats.iter().for_each(|seat| rows.push(seat.next()));
        rows
    }

    /// Write the tokens that may come next as flags, `vocabulary.size()` a game.
    pub fn write_legal_masks(&self, masks: &mut [bool], workers: &Workers) -> Result<()> {
        let size = self.vocabulary.size();
        let jobs = self.seats.chunks(CHUNK).zip(masks.chunks_mut(CHUNK * size));
        workers.map(jobs.collect(), |(seats, masks)| {
            for (seat, mask) in seats.iter().zip(masks.chunks_exact_mut(size)) {
                mask.fill(false);
                seat.next()
                    .iter()
                    .for_each(|&token| mask[token as usize] = true);
            }
        })?;
        Ok(())
    }

    /// Codes of the ends of games; `Unfinished` where the game goes on.
    pub fn terminations(&self) -> Vec<u8> {
        let code = |seat: &Seat| seat.termination.unwrap_or(Termination::Unfinished) as u8;
        self.seats.iter().map(code).collect()
    }

    /// Outcome tokens; -1 where the game goes on.
    pub fn outcomes(&self) -> Vec<i16> {
        let outcome = |seat: &Seat| {
            let outcome = seat.termination?.outcome(seat.game.turn())?;
            self.vocabulary.outcome_token(outcome)
        };
        self.seats
            .iter()
            .map(|seat| outcome(seat).unwrap_or(-1))
            .collect()
    }

    /// Plies played.
    pub fn lengths(&self) -> Vec<i32> {
        self.seats
            .iter()
            .map(|seat| seat.history.len() as i32)
            .collect()
    }

    /// 0 white, 1 black.
    pub fn side_to_move(&self) -> Vec<i8> {
        self.seats
            .iter()
            .map(|seat| seat.game.turn().fold_wb(0, 1))
            .collect()
    }

    /// The moves played, `max_ply` tokens a game, PAD after its last.
    pub fn write_tokens(&self, tokens: &mut [i16]) {
        let rows = tokens.chunks_exact_mut(self.max_ply);
        for (row, seat) in rows.zip(&self.seats) {
            let (played, rest) = row.split_at_mut(seat.history.len());
            played.copy_from_slice(&seat.history);
            rest.fill(self.vocabulary.pad);
        }
    }

    /// The positions.
    pub fn fens(&self, workers: &Workers) -> Result<Vec<String>> {
        workers.map(self.seats.iter().collect(), |seat| seat.game.fen())
    }
}

impl Seat {
    fn new(start: Chess, max_ply: usize, vocabulary: &Vocabulary) -> Seat {
        let place = Place::new(&start);
        let mut seat = Seat {
            row: [0; 256],
            n_next: 0,
            termination: None,
            game: PackedGame::new(&start),
            history: Vec::new(),
            start,
        };
        seat.look(&place, max_ply, vocabulary);
        seat
    }

    /// Find what may come next where the game is.
    #[inline]
    fn look(&mut self, place: &Place, max_ply: usize, vocabulary: &Vocabulary) {
        let at_ply_limit = self.history.len() >= max_ply;
        self.termination = self.game.termination(place, at_ply_limit);
        self.n_next = match self.termination {
            None => place.tokens(vocabulary, &mut self.row).len(),
            Some(_) => {
                self.row[0] = vocabulary.pad;
                1
            }
        };
    }

    #[inline]
    fn next(&self) -> &[i16] {
        &self.row[..self.n_next]
    }

    #[inline]
    fn takes(&self, token: i16) -> bool {
        self.next().binary_search(&token).is_ok()
    }

    /// Play a token that the game takes.
    #[inline]
    fn play(&mut self, token: i16, place: &mut Place, max_ply: usize, vocabulary: &Vocabulary) {
        if self.termination.is_none() {
            self.game.play(token, vocabulary, place);
            self.history.push(token);
            self.look(place, max_ply, vocabulary);
        }
    }

    #[cold]
    fn refusal(&self, game: usize, token: i16, vocabulary: &Vocabulary) -> Error {
        let pad = vocabulary.pad;
        let reason = match (self.termination, vocabulary.move_of(token)) {
            (Some(end), _) => {
                let end = Termination::NAMES[end as usize];
                format!("the game is over ({end}) and takes nothing but PAD ({pad})")
            }
            (None, None) if token == pad => {
                "the game goes on, and PAD is for games that are over".to_owned()
            }
            (None, None) => format!("no move of vocabulary {:?}", vocabulary.name),
            (None, Some(m)) => format!("{} is not a legal move in {:?}", m.uci(), self.game.fen()),
        };
        Error::RefusedMove {
            game,
            token,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_games_than_memory_can_hold_are_refused() {
        let refused = BatchGames::new(usize::MAX / 2, 512, Vocabulary::canonical());
        assert!(matches!(
            refused,
            Err(Error::TooLarge {
                argument: "n_games",
                ..
            })
        ));
    }
}
