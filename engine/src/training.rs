//! Games laid out as training sequences.

use crate::csr::TokenRows;
use crate::generate::Games;
use crate::masks::Layout;
use crate::vocabulary::Vocabulary;

/// How games become sequences of `width` tokens. A game of `N` plies has `N` supervised positions
/// in the pure layout and `N + 1` in the prefixed one; the last of them predicts PAD.
#[derive(Clone, Copy)]
pub struct Form {
    pub layout: Layout,
    pub width: usize,
    pub vocabulary: &'static Vocabulary,
}

impl Form {
    /// What the model sees: `[m1 .. mN, PAD ..]` or `[outcome, m1 .. mN, PAD ..]`.
    pub fn write_inputs<T: From<i16> + Copy>(self, games: &Games, sequences: &mut [T]) {
        let prefix = self.layout.prefix();
        self.each_sequence(games, sequences, |sequence, game| {
            let (head, moves) = sequence.split_at_mut(prefix);
            head.fill(games.outcomes[game].into());
            write_padded(games.moves(game), moves, self.vocabulary.pad);
        });
    }

    /// What comes next at each position; PAD where nothing is supervised.
    pub fn write_targets<T: From<i16> + Copy>(self, games: &Games, sequences: &mut [T]) {
        let first = self.layout.first_position();
        self.each_sequence(games, sequences, |sequence, game| {
            write_padded(&games.moves(game)[first..], sequence, self.vocabulary.pad);
        });
    }

    /// Which positions are supervised.
    pub fn write_loss_mask(self, games: &Games, sequences: &mut [bool]) {
        self.each_sequence(games, sequences, |sequence, game| {
            let (supervised, rest) = sequence.split_at_mut(self.layout.supervised(games, game));
            supervised.fill(true);
            rest.fill(false);
        });
    }

    fn each_sequence<T>(self, games: &Games, sequences: &mut [T], write: impl Fn(&mut [T], usize)) {
        assert_eq!(sequences.len(), games.lengths.len() * self.width);
        let sequences = sequences.chunks_exact_mut(self.width).zip(0..);
        sequences.for_each(|(sequence, game)| write(sequence, game));
    }
}

impl Layout {
    /// Supervised positions of a game.
    fn supervised(self, games: &Games, game: usize) -> usize {
        games.lengths[game] as usize + self.prefix()
    }

    /// The tokens that the longest game needs.
    pub fn longest(self, games: &Games) -> usize {
        let all = 0..games.lengths.len();
        all.map(|game| self.supervised(games, game))
            .max()
            .unwrap_or(1)
    }
}

fn write_padded<T: From<i16> + Copy>(tokens: &[i16], sequence: &mut [T], pad: i16) {
    let (head, tail) = sequence.split_at_mut(tokens.len());
    for (slot, &token) in head.iter_mut().zip(tokens) {
        *slot = token.into();
    }
    tail.fill(pad.into());
}

/// What the token after each supervised position was drawn from, one row a position.
pub struct LegalSets {
    /// The legal moves; PAD alone where the game is over.
    pub legal: TokenRows,
    /// The random player's probability of each entry of `legal`.
    pub probabilities: Vec<f64>,
    /// The legal moves that mate, where the games have a mate boost.
    pub mating: Option<TokenRows>,
}

impl LegalSets {
    /// The sets of games that were made with their choices under this mate boost; `None` for games
    /// made without.
    pub fn new(games: &Games, layout: Layout, pad: i16, mate_boost: f64) -> Option<LegalSets> {
        let legal = supervised_rows(games.legal.as_ref()?, games, layout, &[pad]);
        let mating = games.mating.as_ref();
        let mating = mating.map(|mating| supervised_rows(mating, games, layout, &[]));
        let probabilities = probabilities(&legal, mating.as_ref(), mate_boost);
        Some(LegalSets {
            legal,
            probabilities,
            mating,
        })
    }
}

/// From one row a ply to one row a supervised position, this one where the game is over.
fn supervised_rows(plies: &TokenRows, games: &Games, layout: Layout, last: &[i16]) -> TokenRows {
    let mut rows = TokenRows::default();
    let n_games = games.lengths.len();
    rows.values.reserve(plies.values.len() + n_games);
    rows.offsets.reserve(plies.n_rows() + n_games);
    let mut start = 0;
    for &length in &games.lengths {
        let end = start + length as usize;
        rows.append_rows(plies, start + layout.first_position()..end);
        rows.push(last);
        start = end;
    }
    rows
}

/// Uniform over the `n` entries of a row; with a boost of `p` and `m > 0` mating moves, those have
/// `p / m + (1 - p) / n` and the others `(1 - p) / n`.
fn probabilities(legal: &TokenRows, mating: Option<&TokenRows>, mate_boost: f64) -> Vec<f64> {
    let mut probabilities = Vec::with_capacity(legal.values.len());
    for r in 0..legal.n_rows() {
        let row = legal.row(r);
        let mates = mating.map_or(&[][..], |mating| mating.row(r));
        if mates.is_empty() {
            probabilities.resize(probabilities.len() + row.len(), 1.0 / row.len() as f64);
            continue;
        }
        let base = (1.0 - mate_boost) / row.len() as f64;
        let boosted = base + mate_boost / mates.len() as f64;
        let of = |token| if mates.contains(token) { boosted } else { base };
        probabilities.extend(row.iter().map(of));
    }
    probabilities
}
