//! Recorded games as text: SAN, UCI and PGN.

use shakmaty::san::SanPlus;
use shakmaty::{CastlingMode, Chess, Move, Position};

use crate::error::Result;
use crate::outcome::{Outcome, Termination};
use crate::playout::IllegalToken;
use crate::replay::{self, Recorded};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// Longest line of the PGN export format.
const LINE: usize = 80;

/// The moves of each game in SAN, with check and mate signs.
pub fn san(
    games: &Recorded,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<Vec<Vec<String>>> {
    write(games, vocabulary, workers, |position, m| {
        SanPlus::from_move_and_play_unchecked(position, m).to_string()
    })
}

/// The moves of each game in UCI.
pub fn uci(
    games: &Recorded,
    castling: CastlingMode,
    vocabulary: &Vocabulary,
    workers: &Workers,
) -> Result<Vec<Vec<String>>> {
    write(games, vocabulary, workers, |position, m| {
        position.play_unchecked(m);
        m.to_uci(castling).to_string()
    })
}

/// Each move of each game as `play` writes it, which also plays it.
fn write(
    games: &Recorded,
    vocabulary: &Vocabulary,
    workers: &Workers,
    play: impl Fn(&mut Chess, Move) -> String + Sync,
) -> Result<Vec<Vec<String>>> {
    let jobs = games.rows.iter().copied().enumerate().collect();
    workers.try_map(jobs, |(game, tokens): (usize, &[i16])| {
        let mut position = Chess::new();
        let mut moves = Vec::with_capacity(tokens.len());
        for (ply, &token) in tokens.iter().enumerate() {
            let m = replay::legal_move(&position, token, vocabulary)
                .ok_or(IllegalToken { ply, token }.in_game(game))?;
            moves.push(play(&mut position, m));
        }
        Ok(moves)
    })
}

/// The games as one PGN text in export format, with the result that the board shows.
pub fn pgn(games: &Recorded, vocabulary: &Vocabulary, workers: &Workers) -> Result<String> {
    let texts = san(games, vocabulary, workers)?;
    let games = games.rows.iter().zip(texts);
    Ok(games
        .map(|(tokens, moves)| one_game(&moves, result(tokens, vocabulary)))
        .collect())
}

fn result(tokens: &[i16], vocabulary: &Vocabulary) -> &'static str {
    // One more ply than there are: the ply limit of an array is no result of a game.
    let ended = replay::replay(tokens, tokens.len() + 1, vocabulary);
    let white_mates = vocabulary.outcome_token(Outcome::WhiteCheckmates);
    match ended.termination {
        Termination::Checkmate if ended.outcome == white_mates => "1-0",
        Termination::Checkmate => "0-1",
        Termination::Unfinished | Termination::IllegalMove | Termination::PlyLimit => "*",
        _ => "1/2-1/2",
    }
}

/// The seven tags that the standard asks for, and the moves in lines.
fn one_game(moves: &[String], result: &str) -> String {
    let tags = [
        ("Event", "?"),
        ("Site", "?"),
        ("Date", "????.??.??"),
        ("Round", "?"),
        ("White", "?"),
        ("Black", "?"),
        ("Result", result),
    ];
    let tags: String = tags
        .iter()
        .map(|(name, value)| format!("[{name} \"{value}\"]\n"))
        .collect();
    format!("{tags}\n{}\n\n", movetext(moves, result))
}

fn movetext(moves: &[String], result: &str) -> String {
    let numbered = moves.chunks(2).enumerate().flat_map(|(i, pair)| {
        let number = format!("{}.", i + 1);
        std::iter::once(number).chain(pair.iter().cloned())
    });
    let mut text = String::new();
    let mut column = 0;
    for word in numbered.chain([result.to_owned()]) {
        if column + 1 + word.len() > LINE {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        column += word.len();
        text.push_str(&word);
    }
    text
}
