//! The playout as shakmaty plays it: slow, and plainly right.

use chess_engine::game::Game;
use chess_engine::playout::{Choices, End, Rules};
use chess_engine::rng::{Address, Draw, GameRng, Probability};
use chess_engine::vocabulary::Vocabulary;
use shakmaty::{Chess, Move, MoveList, Position};

/// As `chess_engine::playout::play`.
pub fn play(
    address: Address,
    rules: &Rules,
    tokens: &mut [i16],
    mut choices: Option<&mut Choices>,
) -> End {
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
        let mating = match rules.mate_boost {
            Probability::ZERO => MoveList::new(),
            _ => mating_moves(game.position(), &legal),
        };
        if let Some(choices) = choices.as_deref_mut() {
            let token = |m: &Move| rules.vocabulary.token(*m);
            choices.legal.push_sorted(legal.iter().map(token));
            if rules.mate_boost != Probability::ZERO {
                choices.mating.push_sorted(mating.iter().map(token));
            }
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
