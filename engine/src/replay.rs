//! Recorded games, checked move by move.

use shakmaty::{Chess, Move, Position};

use crate::game::Game;
use crate::outcome::Termination;
use crate::playout::IllegalToken;
use crate::vocabulary::{TokenMove, Vocabulary};

/// Games as rows of tokens, without their padding.
pub struct Recorded<'a> {
    pub rows: Vec<&'a [i16]>,
    /// Plies the array has room for.
    pub width: usize,
}

/// Visit the positions after 0, 1, ... all plies of a game. The rules that end a game without a
/// mate or stalemate are not applied.
pub fn each_position(
    tokens: &[i16],
    vocabulary: &Vocabulary,
    mut visit: impl FnMut(usize, &Chess),
) -> Result<(), IllegalToken> {
    let mut position = Chess::new();
    for (ply, &token) in tokens.iter().enumerate() {
        visit(ply, &position);
        let m = legal_move(&position, token, vocabulary).ok_or(IllegalToken { ply, token })?;
        position.play_unchecked(m);
    }
    visit(tokens.len(), &position);
    Ok(())
}

/// What replaying a recorded game shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Ply of the first token that is not a legal move of a game still going on.
    pub first_illegal: Option<usize>,
    pub length: usize,
    pub termination: Termination,
    /// Outcome token; `None` for a game that is unfinished or illegal.
    pub outcome: Option<i16>,
}

/// Replay the tokens of one game. At `max_ply` plies the ply limit ends it.
pub fn replay(tokens: &[i16], max_ply: usize, vocabulary: &Vocabulary) -> Replay {
    let mut game = Game::default();
    for (ply, &token) in tokens.iter().enumerate() {
        let over = game
            .termination(&game.position().legal_moves(), false)
            .is_some();
        match legal_move(game.position(), token, vocabulary).filter(|_| !over) {
            Some(m) => game.play(m),
            None => {
                return Replay {
                    first_illegal: Some(ply),
                    length: tokens.len(),
                    termination: Termination::IllegalMove,
                    outcome: None,
                };
            }
        }
    }
    let legal = game.position().legal_moves();
    let termination = game
        .termination(&legal, tokens.len() >= max_ply)
        .unwrap_or(Termination::Unfinished);
    Replay {
        first_illegal: None,
        length: tokens.len(),
        termination,
        outcome: termination
            .outcome(game.position().turn())
            .and_then(|o| vocabulary.outcome_token(o)),
    }
}

/// The legal move that a token stands for in a position.
pub fn legal_move(position: &Chess, token: i16, vocabulary: &Vocabulary) -> Option<Move> {
    let named = vocabulary.move_of(token)?;
    let m = named.uci().to_move(position).ok()?;
    // `to_move` also takes castling written as king takes rook, which is another token.
    (TokenMove::from(m) == named).then_some(m)
}

/// How many tokens come before the trailing PADs.
pub fn length_without_padding(row: &[i16], pad: i16) -> usize {
    row.iter()
        .rposition(|&t| t != pad)
        .map_or(0, |last| last + 1)
}
