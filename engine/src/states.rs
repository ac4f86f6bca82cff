//! What is on the board of recorded games: the targets of the probes.

use crate::buffers;
use crate::error::Result;
use crate::playout::{Place, Walk};
use crate::replay::{self, Recorded};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// Value where a game has no such position.
pub const NONE: i8 = -1;

/// Numbers a position has in each column.
pub const SQUARES: usize = 64;
pub const MATERIAL: usize = 10;

/// Every position of every game as columns: `plies + 1` a game, position `t` being the one after
/// `t` plies. All values are `NONE` after the end of a game.
pub struct States {
    /// 64 a position: 0 empty, 1-6 white P N B R Q K, 7-12 black.
    pub pieces: Vec<i8>,
    /// 0 white, 1 black.
    pub side_to_move: Vec<i8>,
    /// K = 1, Q = 2, k = 4, q = 8.
    pub castling: Vec<i8>,
    /// The square, where a capture is legal.
    pub en_passant: Vec<i8>,
    pub in_check: Vec<i8>,
    pub halfmove_clock: Vec<i16>,
    /// 10 a position: white's P N B R Q, black's.
    pub material: Vec<i8>,
    /// 24 with all pieces on the board, 0 with none but pawns.
    pub phase: Vec<i8>,
}

/// The columns of one game.
struct GameStates<'a> {
    pieces: &'a mut [i8],
    side_to_move: &'a mut [i8],
    castling: &'a mut [i8],
    en_passant: &'a mut [i8],
    in_check: &'a mut [i8],
    halfmove_clock: &'a mut [i16],
    material: &'a mut [i8],
    phase: &'a mut [i8],
}

/// The states of recorded games.
pub fn extract(games: &Recorded, vocabulary: &Vocabulary, workers: &Workers) -> Result<States> {
    let per_game = games.width + 1;
    let mut states = States::new(games.rows.len() as u128 * per_game as u128)?;
    let jobs = states.games(per_game).zip(&games.rows).enumerate();
    workers.try_map(jobs.collect(), |(game, (mut states, tokens))| {
        let visit = |ply, walk: &Walk| states.write(ply, walk.place());
        let written = replay::each_position(tokens, vocabulary, visit);
        states.end(tokens.len() + 1);
        written.map_err(|illegal| illegal.in_game(game))
    })?;
    Ok(states)
}

/// The number of legal moves before each ply, `width` a game; `NONE` after its last.
pub fn count_legal_moves(
    games: &Recorded,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<Vec<i16>> {
    let len = games.rows.len() as u128 * games.width as u128;
    let mut counts = buffers::zeroed("tokens", len)?;
    let jobs = counts.chunks_exact_mut(games.width.max(1)).zip(&games.rows);
    workers.try_map(jobs.enumerate().collect(), |(game, (counts, tokens))| {
        let (played, rest) = counts.split_at_mut(tokens.len());
        rest.fill(NONE.into());
        let count = |ply: usize, walk: &Walk| {
            if let Some(count) = played.get_mut(ply) {
                *count = walk.n_legal() as i16;
            }
        };
        let counted = replay::each_position(tokens, vocabulary, count);
        counted.map_err(|illegal| illegal.in_game(game))
    })?;
    Ok(counts)
}

impl States {
    fn new(n: u128) -> Result<States> {
        Ok(States {
            pieces: buffers::zeroed("tokens", n * SQUARES as u128)?,
            side_to_move: buffers::zeroed("tokens", n)?,
            castling: buffers::zeroed("tokens", n)?,
            en_passant: buffers::zeroed("tokens", n)?,
            in_check: buffers::zeroed("tokens", n)?,
            halfmove_clock: buffers::zeroed("tokens", n)?,
            material: buffers::zeroed("tokens", n * MATERIAL as u128)?,
            phase: buffers::zeroed("tokens", n)?,
        })
    }

    fn games(&mut self, per_game: usize) -> impl Iterator<Item = GameStates<'_>> {
        let mut pieces = self.pieces.chunks_exact_mut(per_game * SQUARES);
        let mut side_to_move = self.side_to_move.chunks_exact_mut(per_game);
        let mut castling = self.castling.chunks_exact_mut(per_game);
        let mut en_passant = self.en_passant.chunks_exact_mut(per_game);
        let mut in_check = self.in_check.chunks_exact_mut(per_game);
        let mut halfmove_clock = self.halfmove_clock.chunks_exact_mut(per_game);
        let mut material = self.material.chunks_exact_mut(per_game * MATERIAL);
        let mut phase = self.phase.chunks_exact_mut(per_game);
        std::iter::from_fn(move || {
            Some(GameStates {
                pieces: pieces.next()?,
                side_to_move: side_to_move.next()?,
                castling: castling.next()?,
                en_passant: en_passant.next()?,
                in_check: in_check.next()?,
                halfmove_clock: halfmove_clock.next()?,
                material: material.next()?,
                phase: phase.next()?,
            })
        })
    }
}

impl GameStates<'_> {
    fn write(&mut self, t: usize, place: &Place) {
        place.write_pieces(&mut self.pieces[t * SQUARES..][..SQUARES]);
        let material = place.material();
        self.material[t * MATERIAL..][..MATERIAL].copy_from_slice(&material);
        self.phase[t] = phase(&material);
        self.side_to_move[t] = place.turn().fold_wb(0, 1);
        self.castling[t] = place.castling() as i8;
        self.en_passant[t] = place.en_passant_square().map_or(NONE, |s| s as i8);
        self.in_check[t] = place.is_check().into();
        self.halfmove_clock[t] = place.halfmoves().min(i16::MAX as usize) as i16;
    }

    /// There are no more positions than `n`.
    fn end(&mut self, n: usize) {
        self.pieces[n * SQUARES..].fill(NONE);
        self.material[n * MATERIAL..].fill(NONE);
        self.phase[n..].fill(NONE);
        self.side_to_move[n..].fill(NONE);
        self.castling[n..].fill(NONE);
        self.en_passant[n..].fill(NONE);
        self.in_check[n..].fill(NONE);
        self.halfmove_clock[n..].fill(NONE.into());
    }
}

/// The middle-game share of tapered evaluation: minor pieces 1, rooks 2, queens 4.
fn phase(material: &[i8; MATERIAL]) -> i8 {
    let weights = [0, 1, 1, 2, 4, 0, 1, 1, 2, 4];
    let weighed = material
        .iter()
        .zip(weights)
        .map(|(count, weight)| count * weight);
    weighed.sum::<i8>().min(24)
}
