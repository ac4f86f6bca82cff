//! Games as columns, each written once.

use std::ops::Range;

use super::batch::{Batch, Place};
use super::format::Format;
use super::games::{Games, Record};
use super::report::Report;
use super::tags::{Text, Texts};
use crate::buffers;

/// Games with padded rows of `max_ply` plies.
pub struct Columns {
    pub format: Format,
    pub tokens: Vec<i16>,
    pub lengths: Vec<i32>,
    pub terminations: Vec<u8>,
    /// -1 where there is none.
    pub outcomes: Vec<i16>,
    /// 2 where there is none.
    pub scores: Vec<i8>,
    /// Empty where the format has no annotations.
    pub clocks: Vec<f32>,
    pub evaluations: Vec<f32>,
    /// -1 where unknown.
    pub white_elo: Vec<i16>,
    pub black_elo: Vec<i16>,
    /// Place of the game in its file, from 0.
    pub numbers: Vec<i64>,
    /// By the kinds of [`Text`]; empty where not wanted.
    pub texts: [Vec<Range<usize>>; Text::COUNT],
    /// What the ranges of `texts` are ranges of.
    pub text: String,
    /// What became of all games of the file so far.
    pub report: Report,
}

impl Columns {
    pub fn n_games(&self) -> usize {
        self.lengths.len()
    }
}

impl Batch for Columns {
    fn new(format: Format) -> Columns {
        Columns {
            format,
            tokens: Vec::new(),
            lengths: Vec::new(),
            terminations: Vec::new(),
            outcomes: Vec::new(),
            scores: Vec::new(),
            clocks: Vec::new(),
            evaluations: Vec::new(),
            white_elo: Vec::new(),
            black_elo: Vec::new(),
            numbers: Vec::new(),
            texts: Default::default(),
            text: String::new(),
            report: Report::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    fn is_full(&self, n: usize) -> bool {
        self.n_games() >= n
    }

    fn push(&mut self, number: u64, games: &Games, record: &Record, ply: usize) {
        let (vocabulary, width) = (self.format.vocabulary, self.format.max_ply);
        let plies = ply..ply + record.length;
        push_row(
            &mut self.tokens,
            &games.tokens[plies.clone()],
            width,
            vocabulary.pad,
        );
        if self.format.annotations {
            push_row(
                &mut self.clocks,
                &games.clocks[plies.clone()],
                width,
                f32::NAN,
            );
            push_row(
                &mut self.evaluations,
                &games.evaluations[plies],
                width,
                f32::NAN,
            );
        }
        let outcome = record.outcome.and_then(|o| vocabulary.outcome_token(o));
        self.lengths.push(record.length as i32);
        self.terminations.push(record.termination as u8);
        self.outcomes.push(outcome.unwrap_or(-1));
        self.scores.push(record.score.unwrap_or(2));
        self.white_elo.push(record.tags.white_elo.unwrap_or(-1));
        self.black_elo.push(record.tags.black_elo.unwrap_or(-1));
        self.numbers.push(number as i64);
        self.push_texts(&record.tags.texts, &games.texts);
    }

    fn skip(&mut self) {}

    fn close(&mut self, place: Place, _: u64) {
        self.report = place.report;
    }
}

impl Columns {
    fn push_texts(&mut self, texts: &Texts, buffer: &str) {
        let columns = self.texts.iter_mut().zip(texts);
        for (column, range) in columns.take(self.format.n_texts) {
            let start = self.text.len();
            self.text.push_str(&buffer[range.clone()]);
            column.push(start..self.text.len());
        }
    }

    /// The texts of one kind, game after game.
    pub fn texts_of(&self, text: Text) -> impl ExactSizeIterator<Item = &str> {
        let ranges = self.texts[text as usize].iter();
        ranges.map(|range| &self.text[range.clone()])
    }
}

#[inline]
fn push_row<T: Copy>(rows: &mut Vec<T>, values: &[T], width: usize, padding: T) {
    if rows.capacity() - rows.len() < width {
        make_room(rows, width);
    }
    let end = rows.len() + width;
    rows.extend_from_slice(values);
    rows.resize(end, padding);
}

/// Bytes of a column from which on much room is made for it, and how much: some thousand games.
const FEW: usize = 1 << 16;
const MANY: usize = 1 << 23;

/// Grow, and where there are some rows already for thousands of them, in large pages.
#[cold]
fn make_room<T>(rows: &mut Vec<T>, width: usize) {
    let much = match size_of_val(rows.as_slice()) {
        FEW..MANY => MANY / size_of::<T>() - rows.len(),
        _ => 0,
    };
    rows.reserve(width.max(much));
    buffers::advise(rows);
}
