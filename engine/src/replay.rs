//! Recorded games, checked move by move.

use shakmaty::{Chess, Move};

use crate::digest;
use crate::outcome::Termination;
use crate::playout::{IllegalToken, Walk};
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
    mut visit: impl FnMut(usize, &Walk),
) -> Result<(), IllegalToken> {
    let mut walk = Walk::start();
    for &token in tokens {
        visit(walk.ply(), &walk);
        walk.play(token, vocabulary)?;
    }
    visit(walk.ply(), &walk);
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
    let mut walk = Walk::start();
    for &token in tokens {
        let is_over = walk.termination(usize::MAX).is_some();
        if is_over || walk.play(token, vocabulary).is_err() {
            return Replay {
                first_illegal: Some(walk.ply()),
                length: tokens.len(),
                termination: Termination::IllegalMove,
                outcome: None,
            };
        }
    }
    let termination = walk.termination(max_ply).unwrap_or(Termination::Unfinished);
    let outcome = termination.outcome(walk.turn());
    Replay {
        first_illegal: None,
        length: tokens.len(),
        termination,
        outcome: outcome.and_then(|outcome| vocabulary.outcome_token(outcome)),
    }
}

/// What a recorded game is worth where only its moves are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlatCheck {
    /// Ply of the first token that is not a legal move of a game still going on.
    pub first_illegal: Option<usize>,
    /// Outcome token of the rules after the moves before that ply; `None` where the game could go on.
    pub outcome: Option<i16>,
    /// Of those moves.
    pub digest: u64,
}

/// Check one game; there is no ply limit.
pub fn check(tokens: &[i16], vocabulary: &Vocabulary) -> FlatCheck {
    let mut walk = Walk::start();
    let mut is_legal = |&token: &i16| {
        let is_over = walk.termination(usize::MAX).is_some();
        !is_over && walk.play(token, vocabulary).is_ok()
    };
    let first_illegal = tokens.iter().position(|token| !is_legal(token));
    let moves = &tokens[..first_illegal.unwrap_or(tokens.len())];
    let termination = walk.termination(usize::MAX);
    let outcome = termination.and_then(|termination| termination.outcome(walk.turn()));
    FlatCheck {
        first_illegal,
        outcome: outcome.and_then(|outcome| vocabulary.outcome_token(outcome)),
        digest: digest::of_moves(moves, vocabulary),
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
