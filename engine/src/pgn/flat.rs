//! Games as flat columns: their plies one after the other, without padding.

use super::batch::{Batch, Place};
use super::format::Format;
use super::games::{Games, Record};

/// Games that are read, at most, for a batch: under a narrow filter too a caller sees that reading
/// goes on.
const MOST_READ: u64 = 1 << 16;

/// Games whose plies are `tokens[offsets[i]..offsets[i + 1]]`.
pub struct FlatGames {
    format: Format,
    pub tokens: Vec<i16>,
    pub offsets: Vec<i64>,
    /// -1 where there is none.
    pub outcomes: Vec<i16>,
    /// -1 where unknown.
    pub white_elo: Vec<i16>,
    pub black_elo: Vec<i16>,
    /// Place of the game in its file, from 0.
    pub numbers: Vec<i64>,
    /// Of the moves.
    pub digests: Vec<u64>,
    /// Where the game behind these stands.
    pub place: Place,
    /// Bytes of the file that were read for these games and those before, as they are stored; some
    /// may be read ahead.
    pub bytes_read: u64,
    n_read: u64,
}

impl FlatGames {
    pub fn n_games(&self) -> usize {
        self.numbers.len()
    }
}

impl Batch for FlatGames {
    fn new(format: Format) -> FlatGames {
        FlatGames {
            format,
            tokens: Vec::new(),
            offsets: vec![0],
            outcomes: Vec::new(),
            white_elo: Vec::new(),
            black_elo: Vec::new(),
            numbers: Vec::new(),
            digests: Vec::new(),
            place: Place::default(),
            bytes_read: 0,
            n_read: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.n_read == 0
    }

    fn is_full(&self, n: usize) -> bool {
        self.n_games() >= n || self.n_read >= MOST_READ
    }

    fn push(&mut self, number: u64, games: &Games, record: &Record, ply: usize) {
        let vocabulary = self.format.vocabulary;
        let outcome = record.outcome.and_then(|o| vocabulary.outcome_token(o));
        self.tokens
            .extend_from_slice(&games.tokens[ply..ply + record.length]);
        self.offsets.push(self.tokens.len() as i64);
        self.outcomes.push(outcome.unwrap_or(-1));
        self.white_elo.push(record.tags.white_elo.unwrap_or(-1));
        self.black_elo.push(record.tags.black_elo.unwrap_or(-1));
        self.numbers.push(number as i64);
        self.digests.push(record.digest);
        self.n_read += 1;
    }

    fn skip(&mut self) {
        self.n_read += 1;
    }

    fn close(&mut self, place: Place, bytes_read: u64) {
        self.place = place;
        self.bytes_read = bytes_read;
    }
}
