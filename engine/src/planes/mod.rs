//! Positions as planes of a board network: the encoding, the legal moves as indices of a policy, and
//! seven self-supervised targets. Grids have row 0 = rank 8, column 0 = file a, colours absolute.

mod attacks;
pub mod grid;
mod pawns;
pub mod policy;
pub mod targets;
pub mod transform;

use shakmaty::{Color, Position};

use crate::buffers;
use crate::csr::TokenRows;
use crate::error::Result;
use crate::playout::{Place, TokenRow};
use crate::position::position_at;
use crate::replay::{self, Recorded};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;
use grid::SQUARES;

/// Planes of the encoding: 12 of men, side to move, 4 of castling rights, 2 of counters.
pub const PLANES: usize = 19;
/// The largest counters an encoding tells apart.
const MOST_HALFMOVES: usize = 99;
const MOST_FULLMOVES: usize = 199;
/// Positions that one thread encodes in one go.
const CHUNK: usize = 64;

/// What to make besides the encoding.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub targets: bool,
    pub legal: bool,
}

/// Positions as arrays, one row a position.
#[derive(Debug)]
pub struct EncodedPositions {
    /// 19 planes of 64 squares.
    pub planes: Vec<u8>,
    /// 1 white, 0 black.
    pub side_to_move: Vec<u8>,
    /// Indices of the legal moves, ascending.
    pub legal: Option<TokenRows>,
    /// By [`targets::TASKS`].
    pub targets: Option<[Vec<u8>; 7]>,
}

/// Where one position goes.
struct Slot<'a> {
    planes: &'a mut [u8],
    side_to_move: &'a mut u8,
    targets: Option<[&'a mut [u8]; 7]>,
}

/// Encode positions, each as its image under a kind of [`transform`] where kinds are given.
pub fn encode(
    fens: &[String],
    kinds: Option<&[u8]>,
    wanted: Wanted,
    workers: &Workers,
) -> Result<EncodedPositions> {
    let mut encoded = EncodedPositions::new(fens.len(), wanted)?;
    let mut slots: Vec<Slot> = encoded.slots().collect();
    let jobs = fens.chunks(CHUNK).zip(slots.chunks_mut(CHUNK));
    let rows = workers.try_map(jobs.enumerate().collect(), |(chunk, (fens, slots))| {
        let mut rows = TokenRows::default();
        for (i, (fen, slot)) in (chunk * CHUNK..).zip(fens.iter().zip(slots)) {
            let kind = kinds.map_or(0, |kinds| kinds[i]);
            let position = transform::apply(position_at(i, fen)?, kind, i)?;
            let fullmoves = position.fullmoves().get() as usize;
            slot.write(
                &Place::new(&position),
                fullmoves,
                wanted.legal.then_some(&mut rows),
            );
        }
        Ok(rows)
    })?;
    drop(slots);
    encoded.legal = wanted.legal.then(|| joined(&rows));
    Ok(encoded)
}

fn joined(parts: &[TokenRows]) -> TokenRows {
    let mut rows = TokenRows::default();
    parts.iter().for_each(|part| rows.append(part));
    rows
}

/// A position of a recorded game: the one after some plies of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GamePosition {
    pub game: usize,
    pub ply: usize,
}

/// Encode positions of recorded games. Each is one of a game of `games`, and no later than its end.
pub fn encode_games(
    games: &Recorded,
    positions: &[GamePosition],
    vocabulary: &Vocabulary,
    wanted: Wanted,
    workers: &Workers,
) -> Result<EncodedPositions> {
    let mut encoded = EncodedPositions::new(positions.len(), wanted)?;
    let slots = encoded.slots().zip(positions).enumerate();
    let mut slots: Vec<_> = slots.map(|(i, (slot, at))| (*at, i, slot)).collect();
    slots.sort_unstable_by_key(|(at, i, _)| (*at, *i));
    let jobs = slots.chunk_by_mut(|(one, ..), (other, ..)| one.game == other.game);
    let rows = workers.try_map(jobs.collect(), |slots| {
        encode_game(games, slots, vocabulary, wanted.legal)
    })?;
    let order: Vec<usize> = slots.iter().map(|(_, i, _)| *i).collect();
    drop(slots);
    encoded.legal = wanted.legal.then(|| unsorted(&joined(&rows), &order));
    Ok(encoded)
}

/// Encode positions of one game, in the order of their plies.
fn encode_game(
    games: &Recorded,
    slots: &mut [(GamePosition, usize, Slot)],
    vocabulary: &Vocabulary,
    legal: bool,
) -> Result<TokenRows> {
    let mut rows = TokenRows::default();
    let Some(&(GamePosition { game, ply: last }, ..)) = slots.last() else {
        return Ok(rows);
    };
    let mut rest = slots.iter_mut().peekable();
    let replayed = replay::each_position(&games.rows[game][..last], vocabulary, |ply, walk| {
        while let Some((_, _, slot)) = rest.next_if(|(at, ..)| at.ply == ply) {
            slot.write(walk.place(), 1 + ply / 2, legal.then_some(&mut rows));
        }
    });
    replayed.map_err(|illegal| illegal.in_game(game))?;
    Ok(rows)
}

/// Rows in the order they had before: row `r` is of position `order[r]`.
fn unsorted(rows: &TokenRows, order: &[usize]) -> TokenRows {
    let mut places = vec![0; order.len()];
    order.iter().enumerate().for_each(|(r, &i)| places[i] = r);
    let mut unsorted = TokenRows::default();
    places.iter().for_each(|&r| unsorted.push(rows.row(r)));
    unsorted
}

impl EncodedPositions {
    fn new(n: usize, wanted: Wanted) -> Result<EncodedPositions> {
        let room = |size: usize| buffers::zeroed("positions", n as u128 * size as u128);
        let targets = || -> Result<[Vec<u8>; 7]> {
            let mut targets = [const { Vec::new() }; 7];
            for (target, size) in targets.iter_mut().zip(targets::SIZES) {
                *target = room(size)?;
            }
            Ok(targets)
        };
        Ok(EncodedPositions {
            planes: room(PLANES * SQUARES)?,
            side_to_move: room(1)?,
            legal: None,
            targets: wanted.targets.then(targets).transpose()?,
        })
    }

    fn slots(&mut self) -> impl Iterator<Item = Slot<'_>> {
        let mut planes = self.planes.chunks_exact_mut(PLANES * SQUARES);
        let mut side_to_move = self.side_to_move.iter_mut();
        let mut targets = self.targets.as_mut().map(|targets| {
            let mut sizes = targets::SIZES.into_iter();
            targets
                .each_mut()
                .map(|target| target.chunks_exact_mut(sizes.next().expect("a size for each task")))
        });
        std::iter::from_fn(move || {
            Some(Slot {
                planes: planes.next()?,
                side_to_move: side_to_move.next()?,
                targets: targets.as_mut().map(|targets| {
                    targets
                        .each_mut()
                        .map(|target| target.next().expect("as many as planes"))
                }),
            })
        })
    }
}

impl Slot<'_> {
    /// Write a position, and append its legal moves where asked.
    fn write(&mut self, place: &Place, fullmoves: usize, legal: Option<&mut TokenRows>) {
        let (board, turn) = (place.pieces(), place.turn());
        *self.side_to_move = u8::from(turn == Color::White);
        let (planes, _) = self.planes.as_chunks_mut::<SQUARES>();
        let (men, facts) = planes.split_at_mut(12);
        let (roles, colors) = board.clone().into_bitboards();
        for (men, of_color) in men.chunks_exact_mut(6).zip([colors.white, colors.black]) {
            for (plane, role) in men.iter_mut().zip(roles) {
                grid::write_set((role & of_color).0, plane);
            }
        }
        let right = |bit: u8| place.castling() >> bit & 1;
        let values = [*self.side_to_move, right(0), right(1), right(2), right(3)];
        let halfmoves = place.halfmoves().min(MOST_HALFMOVES) as u8;
        let fullmoves = fullmoves.min(MOST_FULLMOVES) as u8;
        let values = values.into_iter().chain([halfmoves, fullmoves]);
        facts
            .iter_mut()
            .zip(values)
            .for_each(|(plane, value)| plane.fill(value));
        if let Some(targets) = &mut self.targets {
            targets::write(&board, turn, targets);
        }
        if let Some(rows) = legal {
            let mut row: TokenRow = [0; 256];
            rows.push(policy::legal(place, &mut row));
        }
    }
}

/// The places of positions given by FEN.
pub fn place_at(index: usize, fen: &str) -> Result<Place> {
    Ok(Place::new(&position_at(index, fen)?))
}
