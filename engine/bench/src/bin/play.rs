//! Plays a number of games and nothing else: `play KIND GAMES` prints the plies played.
//!
//! A program of its own so that `valgrind --tool=callgrind` can count its instructions; the
//! marginal cost of a ply is the difference between two sizes (`scripts/bench_engine.py`).

use chess_engine::playout::{self, Choices, Rules};
use chess_engine::rng::{Address, Probability};
use chess_engine::vocabulary::Vocabulary;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [kind, games] = &arguments[1..3] else {
        panic!("usage: KIND GAMES")
    };
    let games: u64 = games.parse().expect("GAMES is a number");
    let rules = Rules {
        max_ply: 512,
        mate_boost: Probability::ZERO,
        vocabulary: Vocabulary::named("searchless").expect("it exists"),
    };
    let boosted = Rules {
        mate_boost: Probability::new(1.0).expect("it is one"),
        ..rules
    };
    let mut tokens = vec![0; rules.max_ply];
    let mut choices = Choices::default();
    let mut keys = Vec::new();
    let plies: usize = (0..games)
        .map(|index| {
            let address = Address {
                seed: 1,
                index,
                attempt: 0,
            };
            match kind.as_str() {
                "tokens" => playout::play(address, &rules, &mut tokens, None).length,
                "boost" => playout::play(address, &boosted, &mut tokens, None).length,
                "legal" => {
                    choices.truncate(0);
                    playout::play(address, &rules, &mut tokens, Some(&mut choices)).length
                }
                "yardstick" => {
                    pawn_bench::play(address, rules.vocabulary, &mut tokens, &mut keys).0
                }
                _ => panic!("KIND is tokens, legal, boost or yardstick"),
            }
        })
        .sum();
    println!("{plies}");
}
