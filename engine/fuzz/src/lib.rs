//! What may be thrown at the engine. Each target takes any bytes and must not panic: the engine
//! answers or returns an error, and what it answers holds together.

use chess_engine::flags;
use chess_engine::game::Game;
use chess_engine::masks::{self, Layout};
use chess_engine::notation;
use chess_engine::pgn::{Columns, Filter, FlatGames, Format, Notation, Place, Reader, Span, Text};
use chess_engine::planes::transform::{self, COLOUR_FLIP, KINDS, MIRROR};
use chess_engine::planes::{self, EncodedPositions, Wanted, policy as policy_index};
use chess_engine::playout::Walk;
use chess_engine::position;
use chess_engine::replay::{self, Recorded};
use chess_engine::states;
use chess_engine::tasks::environment::Step;
use chess_engine::tasks::{environment_score, policy, policy_score, text};
use chess_engine::threads::Workers;
use chess_engine::vocabulary::Vocabulary;

const MAX_PLY: usize = 512;

pub type Target = fn(&[u8]);

/// Every target with the name of its folder of seeds.
pub const TARGETS: [(&str, Target); 7] = [
    ("tokens", tokens),
    ("fen", fen),
    ("uci", uci),
    ("pgn", pgn),
    ("environment", environment),
    ("policy", policy),
    ("planes", planes),
];

/// The first byte picks the vocabulary, the others are little-endian tokens of one game.
pub fn tokens(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else {
        return;
    };
    let name = Vocabulary::NAMES[usize::from(first) % Vocabulary::NAMES.len()];
    let vocabulary = Vocabulary::named(name).expect("a listed name");
    let tokens: Vec<i16> = rest
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    judge(&tokens, vocabulary);
    walk(&tokens, vocabulary);
}

/// Every reader of recorded games accepts exactly the games whose tokens are all legal.
fn judge(tokens: &[i16], vocabulary: &'static Vocabulary) {
    let games = Recorded {
        rows: vec![tokens],
        width: tokens.len(),
    };
    let workers = Workers::caller();
    let replay = replay::replay(tokens, tokens.len(), vocabulary);
    let is_legal = masks::legal_moves(&games, vocabulary, &workers).is_ok();
    let others = [
        masks::masks(&games, Layout::Prefixed, vocabulary, &workers).is_ok(),
        states::extract(&games, vocabulary, &workers).is_ok(),
        flags::compute(&games, vocabulary, &workers).is_ok(),
        notation::pgn(&games, vocabulary, &workers).is_ok(),
    ];
    assert_eq!(others, [is_legal; 4]);
    assert!(is_legal || replay.first_illegal.is_some());
}

/// The playout's rules and shakmaty's take the same moves to the same positions.
fn walk(tokens: &[i16], vocabulary: &'static Vocabulary) {
    let mut walk = Walk::start();
    let mut fen = walk.fen();
    for &token in tokens {
        let uci = vocabulary.move_of(token).map(|m| m.uci().to_string());
        let after = uci.and_then(|uci| position::apply(&fen, &uci).ok());
        assert_eq!(walk.play(token, vocabulary).is_ok(), after.is_some());
        let Some(after) = after else { break };
        assert_eq!(walk.fen(), after);
        fen = after;
    }
}

/// A FEN that is read can be written, and read again as the same position.
pub fn fen(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(position) = position::parse_fen(&text) else {
        return;
    };
    let written = position::to_fen(&position);
    let again = position::parse_fen(&written).expect("a FEN of our own");
    assert_eq!(position::to_fen(&again), written);
    let moves = position::legal_moves(&written).expect("a FEN of our own");
    let counted = position::perft(&written, 1, &Workers::caller());
    assert_eq!(counted, Ok(moves.len() as u64));
    assert_eq!(Walk::from_position(&position).n_legal(), moves.len());
}

/// A line of FEN and a line of UCI: the move is made if and only if it is one of the legal moves.
pub fn uci(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (fen, uci) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(moves) = position::legal_moves(fen) else {
        return;
    };
    let after = position::apply(fen, uci);
    assert_eq!(after.is_ok(), moves.iter().any(|m| m == uci));
    if let Ok(after) = after {
        position::legal_moves(&after).expect("a FEN of our own");
    }
}

/// A position, a move and a completion of the task `A:`, a line each: the move is legal if and only
/// if it can be made, and only what reads like the right completion is exact.
pub fn environment(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let [fen, uci, completion] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let Ok(position) = position::parse_fen(fen) else {
        return;
    };
    let step = Step::new(Game::from(position), uci);
    assert_eq!(!step.truncated, position::apply(fen, uci).is_ok());
    let right = environment_score::score(&step, &step.text());
    assert!(right.parsed && right.fen_valid && right.exact && right.fen_similarity == 1.0);
    let score = environment_score::score(&step, completion);
    assert_eq!(score.exact, text::collapse(completion) == step.text());
    assert!((0.0..=1.0).contains(&score.fen_similarity));
    assert!(!score.fen_exact || score.fen_valid && score.fen_fields == [true; 6]);
    assert_eq!(score.reward_error.is_nan(), !score.reward_parsed);
}

/// A position and a completion of the task `P:`, a line each, against an analysis of the first legal
/// moves: shares are shares, and a row is exact.
pub fn policy(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (fen, completion) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(position) = position::parse_fen(fen) else {
        return;
    };
    let moves = position::legal_moves(fen).expect("a FEN that was read");
    let entries: Vec<_> = moves.into_iter().take(5).zip(-250..).collect();
    let Ok(analysis) = policy::analysis_at(0, &position, &entries) else {
        return;
    };
    let row = policy::completion(&analysis, true, 1, 1);
    assert!(policy_score::score(&position, &analysis, &[], &row).exact);
    let score = policy_score::score(&position, &analysis, &[], completion);
    for share in [score.legal, score.jaccard, score.eval_closeness] {
        assert!((0.0..=1.0).contains(&share));
    }
    assert_eq!(score.eval_error.is_nan(), score.evals_compared == 0);
    assert!(!score.exact || score.jaccard == 1.0 && score.best_rank == 0);
}

/// A FEN that is read has planes, in every image that it may have: legal moves are indices that come
/// back as they went, and what images show is the image of what the position shows.
pub fn planes(data: &[u8]) {
    let fen = String::from_utf8_lossy(data).into_owned();
    let position = position::parse_fen(&fen).ok();
    let may = |kind: u8| {
        let mirrored = kind & MIRROR != 0;
        let may = |position| !mirrored || transform::may_mirror(position);
        position.as_ref().is_some_and(may)
    };
    let images = [0, 1, 2, 3].map(|kind| encoded(&fen, kind));
    for (kind, image) in (0..).zip(&images) {
        assert_eq!(image.is_some(), may(kind));
        if let (Some(before), Some(after)) = (&images[0], image) {
            assert_image(before, after, kind);
        }
    }
    if let Some(plain) = &images[0] {
        assert_moves_come_back(&fen, plain.legal.as_ref().expect("asked for").row(0));
    }
}

fn encoded(fen: &str, kind: u8) -> Option<EncodedPositions> {
    let everything = Wanted {
        targets: true,
        legal: true,
    };
    let fens = [fen.to_owned()];
    planes::encode(&fens, Some(&[kind]), everything, &Workers::caller()).ok()
}

fn assert_moves_come_back(fen: &str, indices: &[i16]) {
    let place = planes::place_at(0, fen).expect("a FEN that was read");
    for &index in indices {
        let uci = policy_index::move_of_legal(&place, index as u64, 0);
        let again = policy_index::indices_of_legal(&place, &[uci.expect("a legal move")], 0);
        assert_eq!(again, Ok(vec![index]));
    }
}

/// Of the targets only those that no colour is part of stay as they are.
fn assert_image(before: &EncodedPositions, after: &EncodedPositions, kind: u8) {
    let [before_rows, after_rows] = [before, after].map(|e| e.legal.as_ref().expect("asked for"));
    let table = &transform::POLICY[usize::from(kind) % KINDS];
    let moved = before_rows
        .row(0)
        .iter()
        .map(|&index| table[index as usize]);
    let mut moved: Vec<i16> = moved.collect();
    moved.sort_unstable();
    assert_eq!(moved, after_rows.row(0));
    let corner = match kind {
        0 => 0,
        MIRROR => 7,
        COLOUR_FLIP => 56,
        _ => 63,
    };
    let [before, after] = [before, after].map(|e| e.targets.as_ref().expect("asked for"));
    for (task, (name, _)) in planes::targets::TASKS.iter().enumerate() {
        if ["threat", "pin", "fork", "king_safety"].contains(name) {
            let image = (0..64).map(|square: usize| before[task][square ^ corner]);
            assert!(image.eq(after[task].iter().copied()), "{name}");
        }
    }
}

/// Every game read is legal, and its PGN is read as the same game.
pub fn pgn(data: &[u8]) {
    filter(data);
    let games = read(data.to_vec());
    for (row, &length) in games.tokens.chunks_exact(MAX_PLY).zip(&games.lengths) {
        let tokens = &row[..length as usize];
        let recorded = Recorded {
            rows: vec![tokens],
            width: tokens.len(),
        };
        let vocabulary = Vocabulary::canonical();
        let text = notation::pgn(&recorded, vocabulary, &Workers::caller());
        let copy = read(text.expect("a legal game").into_bytes());
        assert_eq!((copy.lengths, &copy.tokens[..]), (vec![length], row));
    }
}

/// A filter takes games away and changes nothing else, and games are the same from any place on.
fn filter(data: &[u8]) {
    let everything = flat(data, Filter::NONE, Place::default(), usize::MAX);
    let strong = Filter {
        elo: Span {
            min: Some(1800),
            max: None,
        },
        ..Filter::NONE
    };
    let chosen = flat(data, strong, Place::default(), usize::MAX);
    assert_eq!(chosen.place.byte, everything.place.byte);
    assert_eq!(chosen.place.report.n_read, everything.place.report.n_read);
    let elos = everything.white_elo.iter().zip(&everything.black_elo);
    let numbers = everything.numbers.iter().zip(elos);
    let expected = numbers.filter(|(_, (white, black))| *white.min(black) >= &1800);
    assert!(chosen.numbers.iter().eq(expected.map(|(number, _)| number)));
    for n_games in [1, 2, everything.n_games()] {
        let first = flat(data, Filter::NONE, Place::default(), n_games);
        let rest = flat(data, Filter::NONE, first.place, usize::MAX);
        assert_eq!([first.numbers, rest.numbers].concat(), everything.numbers);
        assert_eq!([first.digests, rest.digests].concat(), everything.digests);
    }
}

fn flat(text: &[u8], filter: Filter, place: Place, n_games: usize) -> FlatGames {
    let format = Format {
        n_texts: 0,
        digests: true,
        cuts: true,
        filter,
        ..Format::new(Notation::Pgn, Vocabulary::canonical(), MAX_PLY)
    };
    let mut reader = Reader::from_bytes(text.to_vec(), format, Workers::caller(), place);
    let games = reader.next_batch(n_games);
    games.expect("bytes in memory can be read")
}

fn read(text: Vec<u8>) -> Columns {
    let format = Format {
        annotations: true,
        n_texts: Text::COUNT,
        ..Format::new(Notation::Pgn, Vocabulary::canonical(), MAX_PLY)
    };
    let mut reader = Reader::from_bytes(text, format, Workers::caller(), Place::default());
    let games = reader.next_batch(usize::MAX);
    games.expect("bytes in memory can be read")
}
