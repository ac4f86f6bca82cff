//! A walk, packed or not, is the game that shakmaty plays, ply by ply, from any position.

use chess_engine::game::Game;
use chess_engine::outcome::Termination;
use chess_engine::playout::{self, IllegalToken, PackedGame, Place, Rules, TokenRow, Walk};
use chess_engine::position::{parse_fen, to_fen};
use chess_engine::replay::legal_move;
use chess_engine::rng::{Address, Draw, GameRng, Probability};
use chess_engine::vocabulary::Vocabulary;
use shakmaty::{Chess, Position};

const MAX_PLY: usize = 300;

/// Castling, en passant (legal, pinned, the check that only it answers), promotions, pins, checks,
/// clocks near 150, and endings.
const FENS: [&str; 21] = [
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R b Kq - 3 40",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1",
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8",
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10",
    "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",
    "8/8/8/8/k2Pp2Q/8/8/3K4 b - d3 0 1",
    "8/8/8/2k5/3Pp3/8/8/4K3 b - d3 0 1",
    "8/5bk1/8/2Pp4/8/1K6/8/8 w - d6 0 1",
    "n1n5/PPPk4/8/8/8/8/4Kppp/5N1N b - - 0 1",
    "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 140 120",
    "4k2r/8/8/8/8/8/8/R3K3 w Qk - 149 200",
    "8/8/8/4k3/8/8/3QK3/8 w - - 0 1",
    "8/8/4k3/8/8/2BK4/8/6n1 w - - 0 1",
    "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1",
    "R6R/3Q4/1Q4Q1/4Q3/2Q4Q/Q4Q2/pp1Q4/kBNN1KB1 w - - 0 1",
    "k7/8/8/8/8/8/8/K6R w - - 1000 700",
    "8/8/8/8/8/5k2/5p2/5K2 w - - 0 4294967295",
    "k7/p1p5/P1P5/8/8/p1p5/P1P5/K7 w - - 0 1",
];

fn rng(index: u64) -> GameRng {
    GameRng::new(Address {
        seed: 7,
        index,
        attempt: 0,
    })
}

fn legal_tokens(position: &Chess, vocabulary: &Vocabulary) -> Vec<i16> {
    let legal = position.legal_moves();
    let mut tokens: Vec<i16> = legal.iter().map(|m| vocabulary.token(*m)).collect();
    tokens.sort_unstable();
    tokens
}

fn assert_same(walk: &Walk, game: &Game, vocabulary: &Vocabulary) {
    let position = game.position();
    let fen = to_fen(position);
    let tokens = legal_tokens(position, vocabulary);
    let mut row: TokenRow = [0; 256];
    assert_eq!(walk.tokens(vocabulary, &mut row), tokens, "{fen}");
    assert_eq!(walk.n_legal(), tokens.len(), "{fen}");
    assert_eq!(walk.fen(), fen);
    assert_eq!(walk.turn(), position.turn());
    assert_eq!(walk.is_check(), position.is_check(), "{fen}");
    let legal = position.legal_moves();
    for max_ply in [walk.ply(), walk.ply() + 1] {
        let expected = game.termination(&legal, walk.ply() == max_ply);
        assert_eq!(walk.termination(max_ply), expected, "{fen}");
    }
}

/// Walk at random for a number of plies, past the draws too; return the terminations met.
fn stroll(fen: &str, index: u64, vocabulary: &Vocabulary) -> Vec<Termination> {
    let position = parse_fen(fen).unwrap();
    let (mut packed, mut place) = (PackedGame::new(&position), Place::new(&position));
    let (mut walk, mut game) = (Walk::from_position(&position), Game::from(position));
    let mut rng = rng(index);
    let mut met = Vec::new();
    for ply in 0..MAX_PLY {
        assert_same(&walk, &game, vocabulary);
        met.extend(walk.termination(MAX_PLY));
        assert_eq!(packed.fen(), walk.fen());
        assert_eq!(packed.turn(), walk.turn());
        assert_eq!(packed.termination(&place, false), walk.termination(MAX_PLY));
        let tokens = legal_tokens(game.position(), vocabulary);
        let draw = Draw::next(&mut rng);
        if tokens.is_empty() {
            break;
        }
        let token = tokens[draw.index(tokens.len() as u32, &mut rng) as usize];
        let m = legal_move(game.position(), token, vocabulary).unwrap();
        assert_eq!(walk.ply(), ply);
        walk.play(token, vocabulary).unwrap();
        packed.play(token, vocabulary, &mut place);
        game.play(m);
    }
    met
}

#[test]
fn a_walk_and_a_packed_game_are_the_game_of_shakmaty_at_every_ply() {
    for name in Vocabulary::NAMES {
        let vocabulary = Vocabulary::named(name).unwrap();
        let mut met = [0; 8];
        for fen in FENS {
            let walks = (0..40).flat_map(|index| stroll(fen, index, vocabulary));
            walks.for_each(|termination| met[termination as usize] += 1);
        }
        assert!([0, 1, 3, 4, 5].iter().all(|&code| met[code] > 0), "{met:?}");
    }
}

#[test]
fn exactly_the_legal_tokens_can_be_played() {
    for name in Vocabulary::NAMES {
        let vocabulary = Vocabulary::named(name).unwrap();
        for fen in FENS {
            let walk = Walk::from_position(&parse_fen(fen).unwrap());
            let legal = legal_tokens(&parse_fen(fen).unwrap(), vocabulary);
            for token in -2..vocabulary.size() as i16 + 2 {
                let is_legal = legal.binary_search(&token).is_ok();
                assert_eq!(walk.is_legal(token, vocabulary), is_legal, "{token} {fen}");
                let played = walk.clone().play(token, vocabulary);
                let expected = if is_legal {
                    Ok(())
                } else {
                    Err(IllegalToken { ply: 0, token })
                };
                assert_eq!(played, expected);
            }
        }
    }
}

#[test]
fn an_illegal_token_changes_nothing() {
    let vocabulary = Vocabulary::canonical();
    let mut walk = Walk::start();
    walk.play(317, vocabulary).unwrap();
    assert!(walk.play(317, vocabulary).is_err());
    let mut game = Game::default();
    game.play(legal_move(game.position(), 317, vocabulary).unwrap());
    assert_eq!(walk.ply(), 1);
    assert_same(&walk, &game, vocabulary);
}

#[test]
fn the_fifth_occurrence_since_the_first_position_ends_a_walk() {
    let vocabulary = Vocabulary::canonical();
    let position = parse_fen("r3k2r/8/8/8/8/8/8/R3K2R w - - 90 80").unwrap();
    let mut walk = Walk::from_position(&position);
    let mut game = Game::from(position);
    let shuffle = [(7, 6), (63, 62), (6, 7), (62, 63)];
    for round in 0..4 {
        for (from, to) in shuffle {
            assert_eq!(walk.termination(MAX_PLY), None, "round {round}");
            let token = vocabulary.plain_token(from, to);
            game.play(legal_move(game.position(), token, vocabulary).unwrap());
            walk.play(token, vocabulary).unwrap();
            assert_same(&walk, &game, vocabulary);
        }
    }
    assert_eq!(
        walk.termination(MAX_PLY),
        Some(Termination::FivefoldRepetition)
    );
}

#[test]
fn a_rollout_from_the_start_is_the_random_game_of_its_address() {
    for mate_boost in [0.0, 0.5] {
        let rules = Rules {
            max_ply: 512,
            mate_boost: Probability::new(mate_boost).unwrap(),
            vocabulary: Vocabulary::canonical(),
        };
        for index in 0..200 {
            let address = Address {
                seed: 8,
                index,
                attempt: 0,
            };
            let end = Walk::start().rollout(&rules, &mut GameRng::new(address));
            assert_eq!(end, playout::play(address, &rules, &mut [0; 512], None));
        }
    }
}

#[test]
fn a_rollout_from_within_a_game_ends_as_the_game_does() {
    let rules = Rules {
        max_ply: 200,
        mate_boost: Probability::ZERO,
        vocabulary: Vocabulary::canonical(),
    };
    for index in 0..200 {
        let (mut walk, mut rng) = (Walk::start(), rng(index));
        for _ in 0..index % 2 + 10 {
            let mut row: TokenRow = [0; 256];
            let tokens = walk.tokens(rules.vocabulary, &mut row);
            let draw = Draw::next(&mut rng);
            let token = tokens[draw.index(tokens.len() as u32, &mut rng) as usize];
            walk.play(token, rules.vocabulary).unwrap();
        }
        let end = walk.rollout(&rules, &mut rng);
        assert_eq!(walk.termination(200), Some(end.termination));
        assert_eq!((end.length, end.to_move), (walk.ply(), walk.turn()));
        assert!(end.length <= 200);
    }
}
