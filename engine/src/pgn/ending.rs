//! Why players say that a game ended, in the words of several sites.

use crate::outcome::Outcome;

/// How a game ended where no rule of the board ended it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// `Normal`, or nothing said: the loser resigned, or both agreed.
    #[default]
    Normal,
    Resigned,
    /// By agreement, or by a claim (three repetitions, 50 moves).
    Agreed,
    /// Also a draw against a side that could not mate.
    OnTime,
    /// Drawn: neither side can mate, or the one with time left cannot.
    NoMaterial,
    /// Abandoned, adjudicated, or anything else.
    Other,
}

/// How texts end that say why a game did, in lower case. The names of players stand before.
const PHRASES: [(&str, Ending); 44] = [
    ("normal", Ending::Normal),
    ("resignation", Ending::Resigned),
    ("resigns", Ending::Resigned),
    ("resigned", Ending::Resigned),
    ("on time", Ending::OnTime),
    ("time forfeit", Ending::OnTime),
    ("timeout", Ending::OnTime),
    ("time out", Ending::OnTime),
    ("out of time", Ending::OnTime),
    ("time expired", Ending::OnTime),
    ("flag fell", Ending::OnTime),
    ("vs insufficient material", Ending::OnTime),
    ("has no material", Ending::OnTime),
    ("no material to mate", Ending::OnTime),
    ("no mating material", Ending::OnTime),
    ("insufficient material", Ending::NoMaterial),
    ("insufficient mating material", Ending::NoMaterial),
    ("neither player has mating material", Ending::NoMaterial),
    ("agreement", Ending::Agreed),
    ("draw agreed", Ending::Agreed),
    ("agreed draw", Ending::Agreed),
    ("agreed drawn", Ending::Agreed),
    ("repetition", Ending::Agreed),
    ("50-move rule", Ending::Agreed),
    ("50 move rule", Ending::Agreed),
    ("50 moves rule", Ending::Agreed),
    ("50 moves", Ending::Agreed),
    ("fifty-move rule", Ending::Agreed),
    ("fifty move rule", Ending::Agreed),
    ("fifty moves", Ending::Agreed),
    ("abandoned", Ending::Other),
    ("aborted", Ending::Other),
    ("adjourned", Ending::Other),
    ("adjudication", Ending::Other),
    ("adjudicated", Ending::Other),
    ("disconnection", Ending::Other),
    ("disconnects", Ending::Other),
    ("disconnected", Ending::Other),
    ("left the game", Ending::Other),
    ("illegal move", Ending::Other),
    ("rules infraction", Ending::Other),
    ("forfeit", Ending::Other),
    ("forfeits", Ending::Other),
    ("no show", Ending::Other),
];

/// Longer comments are about the game.
const LONGEST_PHRASE: usize = 80;

impl Ending {
    /// What a `Termination` tag says.
    ///
    /// ```
    /// use chess_engine::pgn::Ending;
    /// assert_eq!(Ending::of_tag(b"Time forfeit"), Some(Ending::OnTime));
    /// assert_eq!(Ending::of_tag(b"timeout won by resignation"), Some(Ending::Resigned));
    /// assert_eq!(Ending::of_tag(b"userA won - game abandoned"), Some(Ending::Other));
    /// assert_eq!(Ending::of_tag(b"userA a perdu"), Some(Ending::Other));
    /// assert_eq!(Ending::of_tag(b"?"), None);
    /// ```
    pub fn of_tag(value: &[u8]) -> Option<Ending> {
        match value.trim_ascii() {
            b"" | b"?" | b"-" => None,
            b"Normal" => Some(Ending::Normal),
            b"Time forfeit" => Some(Ending::OnTime),
            value => Some(phrase(value).unwrap_or(Ending::Other)),
        }
    }

    /// What the comment behind the last move says, where it is one of the known phrases:
    /// `White resigns`.
    pub fn of_comment(comment: &[u8]) -> Option<Ending> {
        let is_short = comment.len() <= LONGEST_PHRASE;
        is_short.then(|| phrase(comment)).flatten()
    }

    /// The outcome of a game with this score. Games without a result, and endings that do not go
    /// with it, have none.
    pub fn outcome(self, score: Option<i8>) -> Option<Outcome> {
        match (score?, self) {
            (1, Ending::Normal | Ending::Resigned) => Some(Outcome::WhiteWinsByResignation),
            (-1, Ending::Normal | Ending::Resigned) => Some(Outcome::BlackWinsByResignation),
            (0, Ending::Normal | Ending::Agreed) => Some(Outcome::DrawByAgreement),
            (0, Ending::NoMaterial) => Some(Outcome::DrawByRule),
            (1, Ending::OnTime) => Some(Outcome::WhiteWinsOnTime),
            (-1, Ending::OnTime) => Some(Outcome::BlackWinsOnTime),
            (0, Ending::OnTime) => Some(Outcome::DrawByTime),
            _ => None,
        }
    }
}

/// The ending that a text ends with, by the longest phrase.
fn phrase(text: &[u8]) -> Option<Ending> {
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(b".").unwrap_or(text);
    let longest = PHRASES
        .iter()
        .filter(|(phrase, _)| ends_with(text, phrase.as_bytes()))
        .max_by_key(|(phrase, _)| phrase.len());
    longest.map(|&(_, ending)| ending)
}

/// Whether the last words of a text are these, in any case.
fn ends_with(text: &[u8], words: &[u8]) -> bool {
    text.len().checked_sub(words.len()).is_some_and(|start| {
        let is_whole = start == 0 || !text[start - 1].is_ascii_alphanumeric();
        is_whole && text[start..].eq_ignore_ascii_case(words)
    })
}
