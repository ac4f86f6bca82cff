//! The playout's own rules play the games that shakmaty's rules play.

use chess_engine::outcome::Termination;
use chess_engine::playout::{self, Choices, End, Instructions, Rules};
use chess_engine::rng::{Address, Probability};
use chess_engine::vocabulary::Vocabulary;

mod reference;

/// A function that plays a game.
trait Play: Copy + Fn(Address, &Rules, &mut [i16], Option<&mut Choices>) -> End {}

impl<F: Copy + Fn(Address, &Rules, &mut [i16], Option<&mut Choices>) -> End> Play for F {}

/// A game with everything that is known about it.
fn record(play: impl Play, address: Address, rules: &Rules) -> (End, Vec<i16>, Choices) {
    let mut tokens = vec![0; rules.max_ply];
    let mut choices = Choices::default();
    let end = play(address, rules, &mut tokens, Some(&mut choices));
    (end, tokens, choices)
}

fn rules(vocabulary: &str, mate_boost: f64, max_ply: usize) -> Rules {
    Rules {
        max_ply,
        mate_boost: Probability::new(mate_boost).unwrap(),
        vocabulary: Vocabulary::named(vocabulary).unwrap(),
    }
}

fn assert_same_games(play: impl Play, rules: &Rules, seed: u64, games: u64) -> u64 {
    let mut plies = 0;
    for index in 0..games {
        let address = Address {
            seed,
            index,
            attempt: 0,
        };
        let (end, tokens, choices) = record(play, address, rules);
        let expected = record(reference::play, address, rules);
        assert_eq!(choices.legal, expected.2.legal, "legal moves, game {index}");
        assert_eq!(
            choices.mating, expected.2.mating,
            "mating moves, game {index}"
        );
        assert_eq!((end, tokens), (expected.0, expected.1), "game {index}");
        plies += end.length as u64;
    }
    plies
}

#[test]
fn random_games_are_those_of_shakmaty_move_by_move() {
    let rules = rules("searchless", 0.0, 512);
    let plies = assert_same_games(playout::play, &rules, 1, 3_000);
    assert!(plies > 1_000_000);
}

#[test]
fn mate_boosted_games_are_those_of_shakmaty_move_by_move() {
    for (seed, mate_boost) in [(2, 1.0), (3, 0.3)] {
        assert_same_games(
            playout::play,
            &rules("coordinate", mate_boost, 300),
            seed,
            300,
        );
    }
}

#[test]
fn games_are_those_of_shakmaty_whatever_the_instructions() {
    let available = Instructions::ALL.into_iter();
    for instructions in available.filter(|i| i.are_available()) {
        let play = |address, rules: &Rules, tokens: &mut [i16], choices: Option<&mut Choices>| {
            playout::play_with(instructions, address, rules, tokens, choices)
        };
        for (seed, mate_boost) in [(4, 0.5), (7, 0.0)] {
            assert_same_games(play, &rules("searchless", mate_boost, 400), seed, 100);
        }
    }
}

#[test]
fn games_are_the_same_with_and_without_their_choices() {
    let rules = rules("searchless", 0.5, 512);
    for index in 0..300 {
        let address = Address {
            seed: 5,
            index,
            attempt: 1,
        };
        let mut tokens = vec![0; rules.max_ply];
        let end = playout::play(address, &rules, &mut tokens, None);
        let recorded = record(playout::play, address, &rules);
        assert_eq!((end, tokens), (recorded.0, recorded.1));
    }
}

#[test]
fn every_way_to_end_a_game_is_covered() {
    let rules = rules("searchless", 0.0, 512);
    let mut seen = [0; 8];
    for index in 0..20_000 {
        let address = Address {
            seed: 6,
            index,
            attempt: 0,
        };
        let mut tokens = vec![0; rules.max_ply];
        let end = playout::play(address, &rules, &mut tokens, None);
        seen[end.termination as usize] += 1;
        if end.termination == Termination::FivefoldRepetition {
            let expected = record(reference::play, address, &rules);
            assert_eq!((end, tokens), (expected.0, expected.1));
        }
    }
    assert!(seen[..6].iter().all(|&count| count > 0), "{seen:?}");
    assert_eq!(seen[6..], [0, 0]);
}
