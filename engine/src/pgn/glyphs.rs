//! Signs that are not ASCII: figurines, dashes, and what typesetters put between moves.

/// Longest word that may be a move, in characters.
const LONGEST_WORD: usize = 12;

/// The character that a text starts with and its bytes; what is not UTF-8 is read as Latin-1.
pub fn character(text: &[u8]) -> Option<(char, usize)> {
    let head = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(character) => Some((character, character.len_utf8())),
        None => Some((char::from(*head.first()?), 1)),
    }
}

/// What a sign stands for in a move.
fn ascii(sign: char) -> Option<u8> {
    Some(match sign {
        '♔' | '♚' => b'K',
        '♕' | '♛' => b'Q',
        '♖' | '♜' => b'R',
        '♗' | '♝' => b'B',
        '♘' | '♞' => b'N',
        '♙' | '♟' => b'P',
        '×' => b'x',
        '\u{2010}'..='\u{2015}' | '−' => b'-',
        '†' | '‡' => b'+',
        _ => return None,
    })
}

pub fn is_figurine(sign: char) -> bool {
    ('♔'..='♟').contains(&sign)
}

/// A word as SAN writes it.
pub struct Word {
    ascii: [u8; LONGEST_WORD],
    /// Bytes of the text up to the end of each character.
    ends: [usize; LONGEST_WORD],
    length: usize,
}

impl Word {
    /// The word that a text starts with, where it has a sign that is not ASCII.
    pub fn of(text: &[u8]) -> Option<Word> {
        let mut word = Word {
            ascii: [0; LONGEST_WORD],
            ends: [0; LONGEST_WORD],
            length: 0,
        };
        let (mut at, mut has_sign) = (0, false);
        while word.length < LONGEST_WORD {
            let Some((sign, length)) = character(&text[at..]) else {
                break;
            };
            if sign.is_ascii_whitespace() {
                break;
            }
            at += length;
            has_sign |= !sign.is_ascii();
            word.add(sign, at);
        }
        has_sign.then_some(word)
    }

    /// Variation selectors show a figurine as text or emoji; they belong to the sign before.
    fn add(&mut self, sign: char, end: usize) {
        if matches!(sign, '\u{fe0e}' | '\u{fe0f}') && self.length > 0 {
            self.ends[self.length - 1] = end;
            return;
        }
        self.ascii[self.length] = match sign {
            _ if sign.is_ascii() => sign as u8,
            _ if sign.is_alphanumeric() => b'@',
            _ => ascii(sign).unwrap_or(b' '),
        };
        self.ends[self.length] = end;
        self.length += 1;
    }

    pub fn ascii(&self) -> &[u8] {
        &self.ascii[..self.length]
    }

    /// Bytes of the text that these first characters took.
    pub fn length_of(&self, n_characters: usize) -> usize {
        match n_characters {
            0 => 0,
            n => self.ends[n - 1],
        }
    }
}
