//! Recorded games, replayed on the playout's rules, are what shakmaty says of them.

use chess_engine::game::Game;
use chess_engine::masks::{self, Layout};
use chess_engine::outcome::Termination;
use chess_engine::playout::{self, Rules};
use chess_engine::replay::{self, Recorded, legal_move};
use chess_engine::rng::{Address, Probability};
use chess_engine::states;
use chess_engine::threads::Workers;
use chess_engine::vocabulary::Vocabulary;
use shakmaty::{Chess, Position, Square};

const WIDTH: usize = 300;

/// Random games without their padding.
fn games(vocabulary: &'static Vocabulary, n_games: u64) -> Vec<Vec<i16>> {
    let rules = Rules {
        max_ply: WIDTH,
        mate_boost: Probability::new(0.2).unwrap(),
        vocabulary,
    };
    let game = |index| {
        let address = Address {
            seed: 11,
            index,
            attempt: 0,
        };
        let mut tokens = vec![vocabulary.pad; WIDTH];
        let end = playout::play(address, &rules, &mut tokens, None);
        tokens.truncate(end.length);
        tokens
    };
    (0..n_games).map(game).collect()
}

fn recorded(games: &[Vec<i16>]) -> Recorded<'_> {
    Recorded {
        rows: games.iter().map(Vec::as_slice).collect(),
        width: WIDTH,
    }
}

/// The positions after 0, 1, ... all plies.
fn positions(tokens: &[i16], vocabulary: &Vocabulary) -> Vec<Chess> {
    let mut positions = vec![Chess::new()];
    for &token in tokens {
        let mut next = positions[positions.len() - 1].clone();
        let m = legal_move(&next, token, vocabulary).unwrap();
        next.play_unchecked(m);
        positions.push(next);
    }
    positions
}

fn legal_tokens(position: &Chess, vocabulary: &Vocabulary) -> Vec<i16> {
    let legal = position.legal_moves();
    let mut tokens: Vec<i16> = legal.iter().map(|m| vocabulary.token(*m)).collect();
    tokens.sort_unstable();
    tokens
}

#[test]
fn legal_sets_and_masks_are_those_of_shakmaty() {
    for name in Vocabulary::NAMES {
        let vocabulary = Vocabulary::named(name).unwrap();
        let games = games(vocabulary, 120);
        let (recorded, workers) = (recorded(&games), Workers::new(Some(2)).unwrap());
        let legal = masks::legal_moves(&recorded, vocabulary, &workers).unwrap();
        let pure = masks::masks(&recorded, Layout::Pure, vocabulary, &workers).unwrap();
        let counts = states::count_legal_moves(&recorded, vocabulary, &workers).unwrap();
        let mut row = 0;
        for (game, tokens) in games.iter().enumerate() {
            let positions = positions(tokens, vocabulary);
            for (ply, position) in positions[..tokens.len()].iter().enumerate() {
                let expected = legal_tokens(position, vocabulary);
                assert_eq!(legal.row(row), expected);
                assert_eq!(counts[game * WIDTH + ply] as usize, expected.len());
                if ply > 0 {
                    assert_eq!(pure.row(game * WIDTH + ply - 1), expected);
                }
                row += 1;
            }
            for ply in tokens.len()..WIDTH {
                assert_eq!(pure.row(game * WIDTH + ply - 1), [vocabulary.pad]);
                assert_eq!(counts[game * WIDTH + ply], -1);
            }
        }
        assert_eq!(legal.n_rows(), row);
    }
}

#[test]
fn states_are_those_of_shakmaty() {
    let vocabulary = Vocabulary::canonical();
    let games = games(vocabulary, 300);
    let workers = Workers::new(Some(2)).unwrap();
    let states = states::extract(&recorded(&games), vocabulary, &workers).unwrap();
    for (game, tokens) in games.iter().enumerate() {
        for (ply, position) in positions(tokens, vocabulary).iter().enumerate() {
            let at = game * (WIDTH + 1) + ply;
            for square in Square::ALL {
                let code = |piece: shakmaty::Piece| piece.role as i8 + piece.color.fold_wb(0, 6);
                let expected = position.board().piece_at(square).map_or(0, code);
                assert_eq!(states.pieces[at * 64 + usize::from(square)], expected);
            }
            assert_eq!(states.side_to_move[at], position.turn().fold_wb(0, 1));
            assert_eq!(states.in_check[at], i8::from(position.is_check()));
            let clock = u32::try_from(states.halfmove_clock[at]).unwrap();
            assert_eq!(clock, position.halfmoves());
            let en_passant = position.legal_ep_square().map_or(-1, |s| s as i8);
            assert_eq!(states.en_passant[at], en_passant);
            let rooks = [Square::H1, Square::A1, Square::H8, Square::A8];
            let castles = position.castles().castling_rights();
            let castling: i8 = (0..4)
                .map(|i| i8::from(castles.contains(rooks[i])) << i)
                .sum();
            assert_eq!(states.castling[at], castling);
        }
    }
}

#[test]
fn replays_end_where_the_games_of_shakmaty_do() {
    let vocabulary = Vocabulary::canonical();
    for tokens in games(vocabulary, 600) {
        let mut game = Game::default();
        for &token in &tokens {
            game.play(legal_move(game.position(), token, vocabulary).unwrap());
        }
        let legal = game.position().legal_moves();
        let expected = game.termination(&legal, tokens.len() == WIDTH).unwrap();
        let shown = replay::replay(&tokens, WIDTH, vocabulary);
        assert_eq!((shown.first_illegal, shown.termination), (None, expected));
        let longer: Vec<i16> = tokens.iter().copied().chain([317]).collect();
        let shown = replay::replay(&longer, WIDTH + 2, vocabulary);
        if expected != Termination::PlyLimit {
            assert_eq!(shown.first_illegal, Some(tokens.len()));
        }
    }
}

#[test]
fn the_first_illegal_token_is_named_whatever_the_threads() {
    let vocabulary = Vocabulary::canonical();
    let mut games = games(vocabulary, 100);
    games[37][5] = 1979;
    games[80][2] = -4;
    for threads in [1, 2, 8] {
        let workers = Workers::new(Some(threads)).unwrap();
        let recorded = recorded(&games);
        let refused = masks::legal_moves(&recorded, vocabulary, &workers).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "tokens[37, 5] = 1979 is not a legal move there"
        );
        let same = masks::dense(&recorded, Layout::Prefixed, vocabulary, &workers);
        assert_eq!(same.unwrap_err(), refused);
        let same = states::extract(&recorded, vocabulary, &workers).map(|_| ());
        assert_eq!(same, Err(refused));
    }
}
