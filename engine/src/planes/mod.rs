//! Positions as planes of a board network: the encoding, the legal moves as indices of a policy, and
//! seven self-supervised targets. Grids have row 0 = rank 8, column 0 = file a, colours absolute.

mod attacks;
pub mod grid;
mod pawns;
pub mod policy;
pub mod targets;
pub mod transform;

use shakmaty::{Board, Color, Position};

use crate::buffers;
use crate::csr::TokenRows;
use crate::error::Result;
use crate::playout::Place;
use crate::position::position_at;
use crate::replay::{self, Recorded};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;
use grid::SQUARES;

/// Planes of the encoding: 12 of men, side to move, 4 of castling rights, 2 of counters.
pub const PLANES: usize = 19;
const MEN: usize = 12;
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

/// Where some positions go, one after the other.
struct Block<'a> {
    planes: &'a mut [u8],
    side_to_move: &'a mut [u8],
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
    let jobs = fens.chunks(CHUNK).zip(encoded.block().split(CHUNK));
    let jobs = jobs.enumerate().collect();
    let rows = workers.try_map(jobs, |(chunk, (fens, block))| {
        let mut rows = TokenRows::default();
        for (i, (fen, mut slot)) in (chunk * CHUNK..).zip(fens.iter().zip(block.split(1))) {
            let kind = kinds.map_or(0, |kinds| kinds[i]);
            let position = transform::apply(position_at(i, fen)?, kind, i)?;
            let (place, fullmoves) = (Place::new(&position), position.fullmoves().get());
            slot.write(
                &place,
                fullmoves as usize,
                wanted.legal.then_some(&mut rows),
            );
        }
        Ok(rows)
    })?;
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
    let slots = encoded.block().split(1).zip(positions).enumerate();
    let mut slots: Vec<_> = slots.map(|(i, (slot, at))| (*at, i, slot)).collect();
    slots.sort_unstable_by_key(|(at, i, _)| (*at, *i));
    let order: Vec<usize> = slots.iter().map(|(_, i, _)| *i).collect();
    let jobs = slots.chunk_by_mut(|(one, ..), (other, ..)| one.game == other.game);
    let rows = workers.try_map(jobs.collect(), |slots| {
        encode_game(games, slots, vocabulary, wanted.legal)
    })?;
    encoded.legal = wanted.legal.then(|| unsorted(&joined(&rows), &order));
    Ok(encoded)
}

/// Encode positions of one game, in the order of their plies.
fn encode_game(
    games: &Recorded,
    slots: &mut [(GamePosition, usize, Block)],
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

    /// Where all positions go.
    fn block(&mut self) -> Block<'_> {
        let targets = self.targets.as_mut();
        Block {
            planes: &mut self.planes,
            side_to_move: &mut self.side_to_move,
            targets: targets.map(|targets| targets.each_mut().map(Vec::as_mut_slice)),
        }
    }
}

impl<'a> Block<'a> {
    /// Blocks of `n` positions, the last of what is left.
    fn split(self, n: usize) -> impl Iterator<Item = Block<'a>> {
        let mut planes = self.planes.chunks_mut(n * PLANES * SQUARES);
        let mut side_to_move = self.side_to_move.chunks_mut(n);
        let mut targets = self.targets.map(|targets| {
            let mut sizes = targets::SIZES.into_iter();
            targets.map(|target| target.chunks_mut(n * sizes.next().expect("a size a task")))
        });
        std::iter::from_fn(move || {
            let targets = targets.as_mut().map(|targets| targets.each_mut());
            Some(Block {
                planes: planes.next()?,
                side_to_move: side_to_move.next()?,
                targets: targets
                    .map(|targets| targets.map(|target| target.next().expect("as many as planes"))),
            })
        })
    }

    /// Write the one position, and append its legal moves where asked.
    fn write(&mut self, place: &Place, fullmoves: usize, legal: Option<&mut TokenRows>) {
        let (board, turn) = (place.pieces(), place.turn());
        let (men, facts) = self.planes.split_at_mut(MEN * SQUARES);
        write_men(&board, men);
        write_facts(place, fullmoves, facts);
        self.side_to_move.fill(u8::from(turn == Color::White));
        if let Some(targets) = &mut self.targets {
            targets::write(&board, turn, targets);
        }
        if let Some(rows) = legal {
            rows.push(policy::legal(place, &mut [0; 256]));
        }
    }
}

/// White P N B R Q K, then black's.
#[inline(always)]
fn write_men(board: &Board, planes: &mut [u8]) {
    let (roles, colors) = board.clone().into_bitboards();
    let mut planes = planes.chunks_exact_mut(SQUARES);
    for of_color in [colors.white, colors.black] {
        for (role, plane) in roles.into_iter().zip(planes.by_ref()) {
            grid::write_set((role & of_color).0, plane);
        }
    }
}

/// Side to move, rights K Q k q, counters: each all over its plane.
#[inline(always)]
fn write_facts(place: &Place, fullmoves: usize, planes: &mut [u8]) {
    let right = |bit: u8| place.castling() >> bit & 1;
    let facts = [
        u8::from(place.turn() == Color::White),
        right(0),
        right(1),
        right(2),
        right(3),
        place.halfmoves().min(MOST_HALFMOVES) as u8,
        fullmoves.min(MOST_FULLMOVES) as u8,
    ];
    let planes = planes.chunks_exact_mut(SQUARES);
    facts
        .iter()
        .zip(planes)
        .for_each(|(&fact, plane)| plane.fill(fact));
}

/// The places of positions given by FEN.
pub fn place_at(index: usize, fen: &str) -> Result<Place> {
    Ok(Place::new(&position_at(index, fen)?))
}
