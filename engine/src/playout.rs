//! One random game.

use shakmaty::{Chess, Color, Move, MoveList, Position};

use crate::csr::TokenRows;
use crate::game::Game;
use crate::outcome::Termination;
use crate::rng::{Address, Draw, GameRng, Probability};
use crate::vocabulary::Vocabulary;

/// How random games are played and written.
#[derive(Clone, Copy)]
pub struct Rules {
    /// No game is longer.
    pub max_ply: usize,
    /// Where mating moves exist, the probability of playing one of them (uniformly), else any legal
    /// move is played (uniformly).
    pub mate_boost: Probability,
    /// The vocabulary of the tokens. It does not change the game.
    pub vocabulary: &'static Vocabulary,
}

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub length: usize,
    pub termination: Termination,
    /// The side that would move next.
    pub to_move: Color,
}

/// What the next move was drawn from, ply by ply.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The legal moves.
    pub legal: TokenRows,
    /// The legal moves that mate.
    pub mating: TokenRows,
}

impl Choices {
    fn clear(&mut self) {
        self.legal.clear();
        self.mating.clear();
    }
}

/// Play the game of this address into `tokens` (one a ply, the rest untouched), and its choices
/// where asked.
pub fn play(
    address: Address,
    rules: &Rules,
    tokens: &mut [i16],
    mut choices: Option<&mut Choices>,
) -> End {
    if let Some(choices) = choices.as_deref_mut() {
        choices.clear();
    }
    let mut rng = GameRng::new(address);
    let mut game = Game::default();
    let mut ply = 0;
    loop {
        let legal = canonical_moves(game.position());
        if let Some(termination) = game.termination(&legal, ply == rules.max_ply) {
            let to_move = game.position().turn();
            return End {
                length: ply,
                termination,
                to_move,
            };
        }
        let draw = Draw::next(&mut rng);
        let boosted = draw.coin(rules.mate_boost);
        let mating = match choices.is_some() || boosted {
            true => mating_moves(game.position(), &legal),
            false => MoveList::new(),
        };
        if let Some(choices) = choices.as_deref_mut() {
            let token = |m: &Move| rules.vocabulary.token(*m);
            choices.legal.push_sorted(legal.iter().map(token));
            choices.mating.push_sorted(mating.iter().map(token));
        }
        let pool = match boosted && !mating.is_empty() {
            true => &mating,
            false => &legal,
        };
        let m = pool[draw.index(pool.len() as u32, &mut rng) as usize];
        tokens[ply] = rules.vocabulary.token(m);
        game.play(m);
        ply += 1;
    }
}

/// The legal moves in canonical order: see [`Vocabulary::canonical`].
fn canonical_moves(position: &Chess) -> MoveList {
    let mut legal = position.legal_moves();
    legal.sort_unstable_by_key(|m| Vocabulary::canonical().token(*m));
    legal
}

fn mating_moves(position: &Chess, legal: &MoveList) -> MoveList {
    let mates = |m: &Move| {
        let mut next = position.clone();
        next.play_unchecked(*m);
        next.is_checkmate()
    };
    legal.iter().copied().filter(mates).collect()
}
