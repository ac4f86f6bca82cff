//! Reads a PGN file and nothing else: `pgn KIND FILE` prints the games and plies read.
//!
//! A program of its own so that `valgrind --tool=callgrind` can count its instructions
//! (`scripts/bench_pgn.py`). The yardstick is the loop that pgn-reader and shakmaty suggest: a
//! visitor that replays the moves and stores their tokens, everything else skipped.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use chess_engine::pgn::{self, Batch, Columns, Format, Notation, Place};
use chess_engine::threads::Workers;
use chess_engine::vocabulary::Vocabulary;
use pgn_reader::{RawTag, Reader, SanPlus, Skip, Visitor};
use shakmaty::{Chess, Position};

struct Yardstick {
    vocabulary: &'static Vocabulary,
    replays: bool,
}

struct Movetext {
    position: Chess,
    tokens: Vec<i16>,
}

impl Visitor for Yardstick {
    type Tags = ();
    type Movetext = Movetext;
    type Output = usize;

    fn begin_tags(&mut self) -> ControlFlow<usize> {
        ControlFlow::Continue(())
    }

    fn tag(&mut self, (): &mut (), _: &[u8], _: RawTag<'_>) -> ControlFlow<usize> {
        ControlFlow::Continue(())
    }

    fn begin_movetext(&mut self, (): ()) -> ControlFlow<usize, Movetext> {
        ControlFlow::Continue(Movetext {
            position: Chess::new(),
            tokens: Vec::with_capacity(128),
        })
    }

    fn begin_variation(&mut self, _: &mut Movetext) -> ControlFlow<usize, Skip> {
        ControlFlow::Continue(Skip(true))
    }

    fn san(&mut self, game: &mut Movetext, san: SanPlus) -> ControlFlow<usize> {
        if !self.replays {
            game.tokens.push(0);
            return ControlFlow::Continue(());
        }
        match san.san.to_move(&game.position) {
            Ok(m) => {
                game.position.play_unchecked(m);
                game.tokens.push(self.vocabulary.token(m));
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(0),
        }
    }

    fn end_game(&mut self, game: Movetext) -> usize {
        std::hint::black_box(&game.tokens).len()
    }
}

fn yardstick(path: &Path, vocabulary: &'static Vocabulary, replays: bool) -> (usize, usize) {
    let file = File::open(path).expect("FILE can be read");
    let mut visitor = Yardstick {
        vocabulary,
        replays,
    };
    let mut reader = Reader::new(file);
    let games = reader.read_games(&mut visitor);
    games.fold((0, 0), |(games, plies), length| {
        (games + 1, plies + length.expect("FILE is PGN"))
    })
}

fn ours(path: &Path, vocabulary: &'static Vocabulary, annotations: bool) -> (usize, usize) {
    let format = Format {
        annotations,
        ..Format::new(Notation::Pgn, vocabulary, 512)
    };
    let workers = Workers::new(Some(1)).expect("it is one");
    let reader = pgn::Reader::<Columns>::open(path, format, workers, Place::default());
    let mut reader = reader.expect("FILE can be read");
    let mut read = (0, 0);
    loop {
        let batch = reader.next_batch(4096).expect("FILE is PGN");
        if batch.is_empty() {
            return read;
        }
        read.0 += batch.n_games();
        read.1 += batch
            .lengths
            .iter()
            .map(|&length| length as usize)
            .sum::<usize>();
    }
}

fn compress(path: &Path, packed: &Path) {
    let file = File::open(path).expect("FILE can be read");
    let packed = File::create(packed).expect("PACKED can be written");
    zstd::stream::copy_encode(file, packed, zstd::DEFAULT_COMPRESSION_LEVEL)
        .expect("PACKED can be written");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (kind, path) = match &arguments[1..] {
        [kind, path] => (kind.as_str(), Path::new(path)),
        [kind, path, packed] if kind == "compress" => {
            return compress(Path::new(path), Path::new(packed));
        }
        _ => panic!("usage: KIND FILE, or compress FILE PACKED"),
    };
    let vocabulary = Vocabulary::named("searchless").expect("it exists");
    let (games, plies) = match kind {
        "skim" => yardstick(path, vocabulary, false),
        "yardstick" => yardstick(path, vocabulary, true),
        "tokens" => ours(path, vocabulary, false),
        "columns" => ours(path, vocabulary, true),
        _ => panic!("KIND is skim, yardstick, tokens or columns"),
    };
    println!("{games} {plies}");
}
