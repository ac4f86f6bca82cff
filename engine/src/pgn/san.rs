//! The words of SAN.
//!
//! Wider than the standard where no doubt is left: long algebraic notation (`Ng1-f3`, `e2e4`),
//! captures without `x`, promotions without `=` or in lower case, castling with zeros, a `P` for
//! pawns, figurines and the dashes of typesetters, signs of who stands better behind the move.

use super::glyphs;
use crate::playout::San;

const A_FILE: u64 = 0x0101_0101_0101_0101;
const FIRST_RANK: u64 = 0xff;

const KNIGHT: usize = 2;
const BISHOP: usize = 3;
const ROOK: usize = 4;
const QUEEN: usize = 5;
const KING: usize = 6;
const PAWN: usize = 1;

/// Read the move of `side` (0 white, 1 black) that a text starts with; also its length.
///
/// ```
/// use chess_engine::pgn::san::parse;
/// let (san, length) = parse(b"Nbd2+ e5", 0).unwrap();
/// assert_eq!((san.role, san.from, san.to, length), (2, 0x0202_0202_0202_0202, 11, 5));
/// assert_eq!(parse(b"Nd9", 0), None);
/// assert_eq!(parse(b"e4e", 0), None);
/// ```
#[inline(always)]
pub fn parse(text: &[u8], side: usize) -> Option<(San, usize)> {
    parse_plain(text).or_else(|| parse_other(text, side))
}

/// Length of the move that a text starts with.
#[inline(never)]
pub fn length(text: &[u8]) -> Option<usize> {
    parse(text, 0).map(|(_, length)| length)
}

/// The usual words: `e4`, `exd5`, `Nf3`, `Nxf3`, with or without a check, and a space behind. Which
/// of them it is cannot be foreseen, so that nothing branches on it.
#[inline(always)]
pub fn parse_plain(text: &[u8]) -> Option<(San, usize)> {
    let word: &[u8; 8] = text.first_chunk()?;
    let role = usize::from(ROLES[usize::from(word[0])]);
    let is_piece = role != PAWN;
    let start = if word[1] == b'x' {
        2
    } else {
        usize::from(is_piece)
    };
    let (file, rank) = (
        word[start].wrapping_sub(b'a'),
        word[start + 1].wrapping_sub(b'1'),
    );
    let length = start + 2 + usize::from(matches!(word[start + 2], b'+' | b'#'));
    let is_plain = (role != 0) & (file < 8) & (rank < 8) & (word[length] == b' ');
    let san = San {
        role,
        from: A_FILE << (word[0].wrapping_sub(b'a') & 7) | u64::from(is_piece).wrapping_neg(),
        to: (8 * usize::from(rank) + usize::from(file)) & 63,
        promotion: 0,
    };
    is_plain.then_some((san, length))
}

/// The roles of the letters that usual words start with.
const ROLES: [u8; 256] = {
    let mut roles = [0; 256];
    let mut file = b'a';
    while file <= b'h' {
        roles[file as usize] = PAWN as u8;
        file += 1;
    }
    let mut role = KNIGHT;
    while role <= KING {
        roles[b"NBRQK"[role - KNIGHT] as usize] = role as u8;
        role += 1;
    }
    roles
};

#[inline(never)]
fn parse_other(text: &[u8], side: usize) -> Option<(San, usize)> {
    parse_any(text, side).or_else(|| parse_typeset(text, side))
}

/// A word with signs that are not ASCII, in it or behind it: `♘f3`, `O–O`, `Nf3□`.
#[cold]
fn parse_typeset(text: &[u8], side: usize) -> Option<(San, usize)> {
    let word = glyphs::Word::of(text)?;
    let (san, length) = parse_any(word.ascii(), side)?;
    Some((san, word.length_of(length)))
}

fn parse_any(text: &[u8], side: usize) -> Option<(San, usize)> {
    let (san, length) = match role(*text.first()?) {
        Some(KING) if text[0] != b'K' => castling(text, side)?,
        Some(role) => {
            let (squares, length) = Squares::parse(&text[1..])?;
            (squares.of_piece(role), length + 1)
        }
        None => {
            let letter = usize::from(text[0] == b'P');
            let (squares, length) = Squares::parse(&text[letter..])?;
            let length = length + letter;
            let (promotion, suffix) = promotion(&text[length..], squares.to());
            (squares.of_any(promotion), length + suffix)
        }
    };
    let length = length + suffix(&text[length..]);
    ends_word(&text[length..]).then_some((san, length))
}

#[inline]
fn role(letter: u8) -> Option<usize> {
    match letter {
        b'N' => Some(KNIGHT),
        b'B' => Some(BISHOP),
        b'R' => Some(ROOK),
        b'Q' => Some(QUEEN),
        b'K' | b'O' | b'0' | b'o' => Some(KING),
        _ => None,
    }
}

/// The king's two-step, from his own square only: a step of one is not castling.
fn castling(text: &[u8], side: usize) -> Option<(San, usize)> {
    let (to, length) = match *text {
        [a, b'-', b, b'-', c, ..] if a == b && b == c => (2, 5),
        [a, b'-', b, ..] if a == b => (6, 3),
        _ => return None,
    };
    let san = San {
        role: KING,
        from: 1 << (4 + 56 * side),
        to: to + 56 * side,
        promotion: 0,
    };
    Some((san, length))
}

/// What squares a word names; files and ranks from 0.
#[derive(Default)]
struct Squares {
    from_file: Option<u8>,
    from_rank: Option<u8>,
    to_file: Option<u8>,
    to_rank: Option<u8>,
}

impl Squares {
    /// Read files, ranks and the signs between them.
    #[inline]
    fn parse(text: &[u8]) -> Option<(Squares, usize)> {
        let mut squares = Squares::default();
        let mut length = 0;
        while let Some(&byte) = text.get(length) {
            match byte {
                b'a'..=b'h' if squares.is_suffix(&text[length..]) => break,
                b'a'..=b'h' => squares.add_file(byte - b'a')?,
                b'1'..=b'8' => squares.add_rank(byte - b'1')?,
                b'x' | b'-' | b':' if matches!(text.get(length + 1), Some(b'a'..=b'h')) => {}
                _ => break,
            }
            length += 1;
        }
        (squares.to_file.is_some() && squares.to_rank.is_some()).then_some((squares, length))
    }

    /// Whether a letter behind a whole square is no file: a promotion to `b`, or `e.p.`.
    #[inline]
    fn is_suffix(&self, text: &[u8]) -> bool {
        let is_file = matches!(text.get(1), Some(b'1'..=b'8' | b'a'..=b'h' | b'x' | b'-'));
        self.to_rank.is_some() && !is_file
    }

    /// What was read as the destination was the origin when another file follows.
    #[inline]
    fn add_file(&mut self, file: u8) -> Option<()> {
        if self.to_file.is_some() {
            if self.from_file.is_some() || (self.to_rank.is_some() && self.from_rank.is_some()) {
                return None;
            }
            self.from_file = self.to_file;
            self.from_rank = self.from_rank.or(self.to_rank.take());
        }
        self.to_file = Some(file);
        Some(())
    }

    #[inline]
    fn add_rank(&mut self, rank: u8) -> Option<()> {
        let slot = match self.to_file {
            Some(_) => &mut self.to_rank,
            None => &mut self.from_rank,
        };
        slot.replace(rank).is_none().then_some(())
    }

    fn to(&self) -> usize {
        usize::from(8 * self.to_rank.unwrap_or(0) + self.to_file.unwrap_or(0))
    }

    #[inline]
    fn from(&self) -> u64 {
        let file = self.from_file.map_or(!0, |file| A_FILE << file);
        file & self.from_rank.map_or(!0, |rank| FIRST_RANK << (8 * rank))
    }

    #[inline]
    fn of_piece(&self, role: usize) -> San {
        San {
            role,
            from: self.from(),
            to: self.to(),
            promotion: 0,
        }
    }

    /// A pawn's move, which stays on its file unless another is named; or, with both squares named
    /// in full, that of any piece.
    #[inline]
    fn of_any(&self, promotion: usize) -> San {
        let to_file = A_FILE << (self.to() & 7);
        let (role, from) = match (self.from_file, self.from_rank) {
            (Some(_), Some(_)) => (0, self.from()),
            (Some(_), None) => (PAWN, self.from()),
            (None, _) => (PAWN, self.from() & to_file),
        };
        San {
            role,
            from,
            to: self.to(),
            promotion,
        }
    }
}

/// The role promoted to, 0 for none, and how many letters say so.
#[inline]
fn promotion(text: &[u8], to: usize) -> (usize, usize) {
    let of = |letter: u8| match letter.to_ascii_uppercase() {
        b'N' => KNIGHT,
        b'B' => BISHOP,
        b'R' => ROOK,
        b'Q' => QUEEN,
        _ => 0,
    };
    let is_last_rank = matches!(to / 8, 0 | 7);
    match *text {
        [b'=', letter, ..] if of(letter) != 0 => (of(letter), 2),
        [b'/', letter, ..] if is_last_rank && of(letter) != 0 => (of(letter), 2),
        [b'(', letter, b')', ..] if is_last_rank && of(letter) != 0 => (of(letter), 3),
        [letter, ..] if of(letter) != 0 => (of(letter), 1),
        _ => (0, 0),
    }
}

/// Length of the signs for check, mate and en passant.
#[inline]
fn suffix(text: &[u8]) -> usize {
    let en_passant = match text {
        [b'e', b'.', b'p', b'.', ..] => 4,
        [b'e', b'p', ..] => 2,
        _ => 0,
    };
    let signs = text[en_passant..].iter();
    en_passant + signs.take_while(|b| matches!(b, b'+' | b'#')).count()
}

/// Whether a word ends here: at its end, at signs of who stands better, or at a result.
#[inline]
fn ends_word(text: &[u8]) -> bool {
    let is_sign = |byte: &u8| b"+-=/#<>~^|".contains(byte);
    let signs = text.iter().take_while(|byte| is_sign(byte)).count();
    match &text[signs..] {
        [b'1', b'-' | b'/', ..] | [b'0', b'-', b'1', ..] => true,
        [byte, ..] => {
            !byte.is_ascii_alphanumeric() && !matches!(byte, b':' | b'@' | b'[' | b'"' | 0x80..)
        }
        [] => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(usize, u64, usize, usize)> {
        let (san, length) = parse(text.as_bytes(), 1)?;
        assert_eq!(length, text.len());
        Some((san.role, san.from, san.to, san.promotion))
    }

    #[test]
    fn every_spelling_of_a_move_is_read() {
        let (b_file, e_file) = (A_FILE << 1, A_FILE << 4);
        assert_eq!(read("Nbd2"), Some((KNIGHT, b_file, 11, 0)));
        assert_eq!(read("N1xd2+"), Some((KNIGHT, FIRST_RANK, 11, 0)));
        assert_eq!(read("Ng1-f3"), Some((KNIGHT, 1 << 6, 21, 0)));
        assert_eq!(read("exd6e.p."), Some((PAWN, e_file, 43, 0)));
        assert_eq!(read("e2e4"), Some((0, 1 << 12, 28, 0)));
        assert_eq!(read("exd8b"), Some((PAWN, e_file, 59, BISHOP)));
        assert_eq!(read("e8=Q#"), Some((PAWN, e_file, 60, QUEEN)));
        assert_eq!(read("0-0-0++"), Some((KING, 1 << 60, 58, 0)));
        assert_eq!(read("o-o"), Some((KING, 1 << 60, 62, 0)));
        assert_eq!(read("e8(Q)+"), Some((PAWN, e_file, 60, QUEEN)));
        assert_eq!(read("e8/N"), Some((PAWN, e_file, 60, KNIGHT)));
        assert_eq!(read("Pe4"), Some((PAWN, e_file, 28, 0)));
        assert_eq!(read("exd6ep"), Some((PAWN, e_file, 43, 0)));
        assert_eq!(read("O–O–O"), Some((KING, 1 << 60, 58, 0)));
        assert_eq!(read("♞b×d2†"), Some((KNIGHT, b_file, 11, 0)));
        assert_eq!(read("♘\u{fe0f}g1–f3"), Some((KNIGHT, 1 << 6, 21, 0)));
    }

    #[test]
    fn signs_of_who_stands_better_end_a_word() {
        for text in [
            "e4",
            "e4=",
            "e4-",
            "e4+/-",
            "e4□",
            "e4±!",
            "e4\u{a0}e5",
            "e4!?",
            "e4{x}",
            "e4⩲",
            "e4(N)",
            "e4\u{b1}",
        ] {
            let (san, length) = parse(text.as_bytes(), 0).unwrap();
            assert_eq!((san.role, san.to), (PAWN, 28), "{text}");
            assert!(text[..length].starts_with("e4"), "{text}");
        }
        assert_eq!(parse(b"e4\xb1 e5", 0).unwrap().1, 2);
        assert_eq!(parse(b"Qh4#0-1", 1).unwrap().1, 4);
    }

    #[test]
    fn words_that_are_no_moves_are_refused() {
        for word in [
            "", "N", "Nf", "f", "Nf9", "Nf33", "Nabcd2", "e4e5e6", "Kx", "O-", "e8=P", "Nf3x",
            "N@f3", "--", "Кf3", "Nf3é", "P", "PNf3", "e4-1", "O-O-0", "e81-0",
        ] {
            assert_eq!(read(word), None, "{word}");
        }
    }
}
