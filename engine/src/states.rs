//! What is on the board of recorded games: the targets of the probes.

use shakmaty::{CastlingSide, Chess, Color, Position, Role};

use crate::error::Result;
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
    let mut states = States::new(games.rows.len() * per_game);
    let jobs = states
        .games(per_game)
        .zip(&games.rows)
        .enumerate()
        .collect();
    workers.try_map(jobs, |(game, (mut states, tokens))| {
        replay::each_position(tokens, vocabulary, |ply, position| {
            states.write(ply, position)
        })
        .map_err(|illegal| illegal.in_game(game))
    })?;
    Ok(states)
}

/// The number of legal moves before each ply, `width` a game; `NONE` after its last.
pub fn count_legal_moves(
    games: &Recorded,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<Vec<i16>> {
    let count = |(game, tokens): (usize, &&[i16])| {
        let mut counts = vec![i16::from(NONE); games.width];
        replay::each_position(tokens, vocabulary, |ply, position| {
            if ply < tokens.len() {
                counts[ply] = position.legal_moves().len() as i16;
            }
        })
        .map_err(|illegal| illegal.in_game(game))?;
        Ok(counts)
    };
    let counts = workers.try_map(games.rows.iter().enumerate().collect(), count)?;
    Ok(counts.concat())
}

impl States {
    fn new(n: usize) -> States {
        States {
            pieces: vec![NONE; n * SQUARES],
            side_to_move: vec![NONE; n],
            castling: vec![NONE; n],
            en_passant: vec![NONE; n],
            in_check: vec![NONE; n],
            halfmove_clock: vec![NONE.into(); n],
            material: vec![NONE; n * MATERIAL],
            phase: vec![NONE; n],
        }
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
    fn write(&mut self, t: usize, position: &Chess) {
        write_pieces(&mut self.pieces[t * SQUARES..][..SQUARES], position);
        write_material(&mut self.material[t * MATERIAL..][..MATERIAL], position);
        self.side_to_move[t] = position.turn().fold_wb(0, 1);
        self.castling[t] = castling(position);
        self.en_passant[t] = position.legal_ep_square().map_or(NONE, |s| s as i8);
        self.in_check[t] = position.is_check().into();
        self.halfmove_clock[t] = position.halfmoves().min(i16::MAX as u32) as i16;
        self.phase[t] = phase(&self.material[t * MATERIAL..][..MATERIAL]);
    }
}

fn write_pieces(squares: &mut [i8], position: &Chess) {
    squares.fill(0);
    for (square, piece) in position.board().iter() {
        squares[usize::from(square)] = piece.role as i8 + piece.color.fold_wb(0, 6);
    }
}

fn write_material(counts: &mut [i8], position: &Chess) {
    let roles = [
        Role::Pawn,
        Role::Knight,
        Role::Bishop,
        Role::Rook,
        Role::Queen,
    ];
    let all = Color::ALL
        .into_iter()
        .flat_map(|c| roles.map(|role| role.of(c)));
    for (count, piece) in counts.iter_mut().zip(all) {
        *count = position.board().by_piece(piece).count() as i8;
    }
}

/// The middle-game share of tapered evaluation: minor pieces 1, rooks 2, queens 4.
fn phase(material: &[i8]) -> i8 {
    let weights = [0, 1, 1, 2, 4, 0, 1, 1, 2, 4];
    let sum: i8 = material
        .iter()
        .zip(weights)
        .map(|(count, weight)| count * weight)
        .sum();
    sum.min(24)
}

fn castling(position: &Chess) -> i8 {
    let rights = [
        (Color::White, CastlingSide::KingSide),
        (Color::White, CastlingSide::QueenSide),
        (Color::Black, CastlingSide::KingSide),
        (Color::Black, CastlingSide::QueenSide),
    ];
    let held = rights
        .iter()
        .enumerate()
        .filter(|(_, (c, s))| position.castles().has(*c, *s));
    held.map(|(bit, _)| 1 << bit).sum()
}
