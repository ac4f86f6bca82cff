//! Which games are wanted.

use super::date::Date;
use super::report::Dropped;
use super::tags::Tags;
use super::time_control::TimeControls;

/// Values from `min` on and below `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<T> {
    pub min: Option<T>,
    pub max: Option<T>,
}

impl<T: PartialOrd> Span<T> {
    /// Every value.
    pub const ALL: Span<T> = Span {
        min: None,
        max: None,
    };

    pub fn is_bounded(&self) -> bool {
        self.min.is_some() || self.max.is_some()
    }

    pub fn contains(&self, value: T) -> bool {
        self.min.as_ref().is_none_or(|min| value >= *min)
            && self.max.as_ref().is_none_or(|max| value < *max)
    }
}

/// What is asked of a game. What its tags say is asked before its moves are read.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Of both players.
    pub elo: Span<i16>,
    pub time_controls: Option<TimeControls>,
    pub date: Span<Date>,
    /// Whether games of programs are dropped.
    pub drop_bots: bool,
    /// Shorter games are dropped.
    pub min_ply: usize,
    /// Whether games without an outcome are dropped.
    pub needs_outcome: bool,
}

impl Filter {
    /// Whatever can be read.
    pub const NONE: Filter = Filter {
        elo: Span::ALL,
        time_controls: None,
        date: Span::ALL,
        drop_bots: false,
        min_ply: 0,
        needs_outcome: false,
    };

    /// Whether more tags must be read than ratings, results and the kind of game.
    pub fn asks_conditions(&self) -> bool {
        self.drop_bots || self.time_controls.is_some() || self.date.is_bounded()
    }

    /// The first reason for which a game with these tags is dropped.
    pub fn judge(&self, tags: &Tags) -> Option<Dropped> {
        let is_unwanted = |wanted: TimeControls| !wanted.allow(tags.time_control);
        if tags.is_variant {
            Some(Dropped::Variant)
        } else if tags.has_start {
            Some(Dropped::CustomStart)
        } else if self.drop_bots && tags.has_bot {
            Some(Dropped::Bot)
        } else if let Some(reason) = self.judge_elo(tags) {
            Some(reason)
        } else if self.time_controls.is_some_and(is_unwanted) {
            Some(Dropped::TimeControl)
        } else if self.date.is_bounded() && tags.date().is_none_or(|day| !self.date.contains(day)) {
            Some(Dropped::Date)
        } else {
            None
        }
    }

    fn judge_elo(&self, tags: &Tags) -> Option<Dropped> {
        if !self.elo.is_bounded() {
            return None;
        }
        let (Some(white), Some(black)) = (tags.white_elo, tags.black_elo) else {
            return Some(Dropped::EloUnknown);
        };
        let are_wanted = self.elo.contains(white) && self.elo.contains(black);
        (!are_wanted).then_some(Dropped::Elo)
    }
}
