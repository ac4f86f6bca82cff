//! What a move does: the `A:` task's truth and its rows.

use shakmaty::{Chess, Position};

use super::positions::HISTORY;
use super::strata::Scene;
use super::text;
use crate::error::{Error, Result};
use crate::game::Game;
use crate::outcome::Termination;
use crate::position::{position_at, to_fen};
use crate::vocabulary::TokenMove;

/// What the mover gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reward {
    /// A legal move of a game that goes on.
    Legal,
    /// The mover mates.
    Mate,
    Draw,
    Illegal,
}

impl Reward {
    pub fn value(self) -> f64 {
        match self {
            Reward::Legal => 0.001,
            Reward::Mate => 1.0,
            Reward::Draw => 0.5,
            Reward::Illegal => -1.0,
        }
    }

    /// As a row writes it.
    pub fn text(self) -> &'static str {
        match self {
            Reward::Legal => "0.001",
            Reward::Mate => "1.0",
            Reward::Draw => "0.5",
            Reward::Illegal => "-1.0",
        }
    }
}

/// What a move does to a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The position afterwards: the same one after an illegal move.
    pub fen: String,
    pub reward: Reward,
    /// Whether the game is over in that position.
    pub terminated: bool,
    /// Whether the move was illegal.
    pub truncated: bool,
    /// What the move does, by [`super::strata::NAMES`]; nothing where it is illegal.
    pub strata: u16,
}

impl Step {
    /// What a move does, in a game of which only the position may be known. A finished game still
    /// takes its legal moves.
    pub fn new(mut game: Game, uci: &str) -> Step {
        let Some(m) = legal_move(game.position(), uci) else {
            return Step {
                fen: to_fen(game.position()),
                reward: Reward::Illegal,
                terminated: termination(&game).is_some(),
                truncated: true,
                strata: 0,
            };
        };
        let strata = Scene::new(game.position()).strata_of(m);
        game.play(m);
        let end = termination(&game);
        Step {
            fen: to_fen(game.position()),
            reward: match end {
                None => Reward::Legal,
                Some(Termination::Checkmate) => Reward::Mate,
                Some(_) => Reward::Draw,
            },
            terminated: end.is_some(),
            truncated: false,
            strata,
        }
    }

    /// The right completion.
    pub fn text(&self) -> String {
        let (terminated, truncated) = (u8::from(self.terminated), u8::from(self.truncated));
        let (fen, reward) = (&self.fen, self.reward.text());
        format!("{fen}+{reward}+{terminated}+{truncated}")
    }
}

/// The legal move that is written just so: castling is the king's two-step.
pub fn legal_move(position: &Chess, uci: &str) -> Option<shakmaty::Move> {
    let named = text::uci(uci)?;
    let legal = position.legal_moves();
    legal.iter().copied().find(|&m| TokenMove::from(m) == named)
}

fn termination(game: &Game) -> Option<Termination> {
    game.termination(&game.position().legal_moves(), false)
}

/// The game from the starting position to item `index` of the positions.
pub fn game_at(index: usize, fen: &str, moves: &[String]) -> Result<Game> {
    let mut game = Game::default();
    for (ply, uci) in moves.iter().enumerate() {
        let Some(m) = legal_move(game.position(), uci) else {
            let reason = format!(
                "move {ply}, {uci:?}, is not legal in {:?}",
                to_fen(game.position())
            );
            return Err(Error::item("games", index, moves.join(" "), reason));
        };
        game.play(m);
    }
    let reached = to_fen(game.position());
    if reached != to_fen(&position_at(index, fen)?) {
        let reason = format!("leads to {reached:?}, not to fens[{index}] = {fen:?}");
        return Err(Error::item("games", index, moves.join(" "), reason));
    }
    Ok(game)
}

/// Item `index` of the positions as a row: prompt and right completion.
pub fn row(
    index: usize,
    fen: &str,
    uci: &str,
    history: Option<&[String]>,
) -> Result<(String, String)> {
    check_move("ucis", index, uci)?;
    let mut earlier = history.unwrap_or_default().iter();
    earlier.try_for_each(|uci| check_move("histories", index, uci))?;
    let position = position_at(index, fen)?;
    let prompt = prompt(&to_fen(&position), uci, history);
    Ok((prompt, Step::new(Game::from(position), uci).text()))
}

/// Position, move, and where they are told the last moves, the one asked about included.
fn prompt(fen: &str, uci: &str, history: Option<&[String]>) -> String {
    let Some(history) = history else {
        return format!("A: {fen}+{uci}+");
    };
    let last = &history[history.len().saturating_sub(HISTORY - 1)..];
    let moves: Vec<&str> = last.iter().map(String::as_str).chain([uci]).collect();
    format!("A: {fen}+{uci}+{}+", moves.join(" "))
}

/// Refuse a move that would break the fields of a row.
fn check_move(argument: &'static str, index: usize, uci: &str) -> Result<()> {
    let is_word = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
    if !uci.is_empty() && uci.bytes().all(is_word) {
        return Ok(());
    }
    let reason = "a move is ASCII letters and digits, as in \"e2e4\"";
    Err(Error::item(argument, index, uci, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::parse_fen;

    fn step(fen: &str, uci: &str) -> String {
        Step::new(Game::from(parse_fen(fen).unwrap()), uci).text()
    }

    #[test]
    fn moves_are_rewarded_as_published() {
        let cases = [
            (
                "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
                "e2e4",
                "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1+0.001+0+0",
            ),
            (
                "k7/8/1K6/8/8/8/8/7R w - - 9 40",
                "h1h8",
                "k6R/8/1K6/8/8/8/8/8 b - - 10 40+1.0+1+0",
            ),
            (
                "k7/8/8/2Q5/8/8/8/K7 w - - 0 1",
                "c5b6",
                "k7/8/1Q6/8/8/8/8/K7 b - - 1 1+0.5+1+0",
            ),
            // Seventy-five moves.
            (
                "7k/8/8/8/8/8/8/KR6 w - - 149 90",
                "b1b2",
                "7k/8/8/8/8/8/1R6/K7 b - - 150 90+0.5+1+0",
            ),
            // The pinned rook leaves the file.
            (
                "4r2k/8/8/8/8/8/4R3/4K3 w - - 0 1",
                "e2d2",
                "4r2k/8/8/8/8/8/4R3/4K3 w - - 0 1+-1.0+0+1",
            ),
            // Castling written as king takes rook.
            (
                "4k3/8/8/8/8/8/8/4K2R w K - 0 1",
                "e1h1",
                "4k3/8/8/8/8/8/8/4K2R w K - 0 1+-1.0+0+1",
            ),
            // An illegal move in a finished game.
            (
                "k6R/8/1K6/8/8/8/8/8 b - - 10 40",
                "a8a7",
                "k6R/8/1K6/8/8/8/8/8 b - - 10 40+-1.0+1+1",
            ),
        ];
        for (fen, uci, expected) in cases {
            assert_eq!(step(fen, uci), expected);
        }
    }

    #[test]
    fn a_fifth_repetition_ends_the_game_where_all_of_it_is_known() {
        let rounds = ["g1f3", "g8f6", "f3g1", "f6g8"].map(str::to_owned);
        let mut moves: Vec<String> = rounds.iter().cycle().take(15).cloned().collect();
        let fen = "rnbqkb1r/pppppppp/5n2/8/8/8/PPPPPPPP/RNBQKBNR b KQkq - 15 8";
        let game = game_at(0, fen, &moves).unwrap();
        assert_eq!(Step::new(game, "f6g8").reward, Reward::Draw);
        let alone = Game::from(parse_fen(fen).unwrap());
        assert_eq!(Step::new(alone, "f6g8").reward, Reward::Legal);
        moves.pop();
        assert!(game_at(0, fen, &moves).is_err());
    }
}
