//! A game in progress: a position, what it remembers for repetition, and whether it is over.

use shakmaty::zobrist::Zobrist64;
use shakmaty::{Chess, EnPassantMode, Move, MoveList, Position};

use crate::outcome::Termination;

/// A game under the lab's rules: no claims, automatic draws only.
#[derive(Debug, Clone)]
pub struct Game {
    position: Chess,
    /// Keys of the positions since the last irreversible move, the current one included.
    keys: Vec<Zobrist64>,
}

impl Default for Game {
    fn default() -> Game {
        Game::from(Chess::new())
    }
}

impl From<Chess> for Game {
    fn from(position: Chess) -> Game {
        let keys = vec![key(&position)];
        Game { position, keys }
    }
}

impl Game {
    pub fn position(&self) -> &Chess {
        &self.position
    }

    /// Play a legal move.
    pub fn play(&mut self, m: Move) {
        let before = self.keys.last().copied();
        let mode = EnPassantMode::Legal;
        let updated = before.and_then(|key| self.position.update_zobrist_hash(key, m, mode));
        if self.position.is_irreversible(m) {
            self.keys.clear();
        }
        self.position.play_unchecked(m);
        self.keys
            .push(updated.unwrap_or_else(|| key(&self.position)));
    }

    /// Whether a rule other than stalemate has made the game a draw.
    pub fn is_drawn_by_rule(&self) -> bool {
        self.position.halfmoves() >= 150
            || self.occurrences() >= 5
            || self.position.is_insufficient_material()
    }

    /// Why the game is over, given its legal moves and whether its ply limit is reached; the first
    /// rule that applies, in the order written here.
    pub fn termination(&self, legal: &MoveList, at_ply_limit: bool) -> Option<Termination> {
        if legal.is_empty() {
            return Some(match self.position.is_check() {
                true => Termination::Checkmate,
                false => Termination::Stalemate,
            });
        }
        if at_ply_limit {
            Some(Termination::PlyLimit)
        } else if self.position.halfmoves() >= 150 {
            Some(Termination::SeventyFiveMoves)
        } else if self.occurrences() >= 5 {
            Some(Termination::FivefoldRepetition)
        } else if self.position.is_insufficient_material() {
            Some(Termination::InsufficientMaterial)
        } else {
            None
        }
    }

    /// How often the current position has been on the board.
    pub fn occurrences(&self) -> usize {
        let now = self.keys.last();
        self.keys
            .iter()
            .rev()
            .step_by(2)
            .filter(|&key| Some(key) == now)
            .count()
    }
}

/// Placement, side, castling rights and legal en passant.
fn key(position: &Chess) -> Zobrist64 {
    position.zobrist_hash(EnPassantMode::Legal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shakmaty::uci::UciMove;

    fn play(game: &mut Game, moves: &str) {
        for uci in moves.split(' ') {
            let m: UciMove = uci.parse().unwrap();
            game.play(m.to_move(game.position()).unwrap());
        }
    }

    fn termination(game: &Game) -> Option<Termination> {
        game.termination(&game.position().legal_moves(), false)
    }

    #[test]
    fn the_fifth_occurrence_of_a_position_ends_the_game() {
        let mut game = Game::default();
        for _ in 0..3 {
            play(&mut game, "g1f3 g8f6 f3g1 f6g8");
        }
        play(&mut game, "g1f3 g8f6 f3g1");
        assert_eq!(termination(&game), None);
        play(&mut game, "f6g8");
        assert_eq!(termination(&game), Some(Termination::FivefoldRepetition));
    }

    #[test]
    fn mate_on_the_last_allowed_ply_is_a_mate() {
        let mut game = Game::default();
        play(&mut game, "f2f3 e7e5 g2g4 d8h4");
        let legal = game.position().legal_moves();
        assert_eq!(game.termination(&legal, true), Some(Termination::Checkmate));
    }
}
