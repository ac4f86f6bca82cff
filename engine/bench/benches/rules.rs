//! `cargo bench --package pawn-bench`: the kernel beside the yardstick, by criterion.
//!
//! Elements are plies. Criterion compares with the last run; for ratios in one run see
//! `scripts/bench_engine.py`.

use std::hint::black_box;

use chess_engine::playout::{self, Choices, Rules, Walk};
use chess_engine::rng::{Address, Probability};
use chess_engine::vocabulary::Vocabulary;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

const GAMES: u64 = 20;
const MAX_PLY: usize = 512;

fn rules(mate_boost: f64) -> Rules {
    Rules {
        max_ply: MAX_PLY,
        mate_boost: Probability::new(mate_boost).expect("a probability"),
        vocabulary: Vocabulary::canonical(),
    }
}

/// Measure a way of playing a game into a row of tokens, which returns the game's length.
fn bench_games(
    group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    mut play: impl FnMut(Address, &mut [i16]) -> usize,
) {
    let mut tokens = vec![0; MAX_PLY];
    let mut play_all = || {
        let addresses = (0..GAMES).map(|index| Address {
            seed: 1,
            index,
            attempt: 0,
        });
        addresses
            .map(|address| play(address, black_box(&mut tokens)))
            .sum::<usize>()
    };
    group.throughput(Throughput::Elements(play_all() as u64));
    group.bench_function(name, |bencher| bencher.iter(&mut play_all));
}

fn random_games(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("random games");
    let (plain, boosted) = (rules(0.0), rules(1.0));
    let (mut keys, mut choices) = (Vec::new(), Choices::default());
    bench_games(&mut group, "yardstick", |address, tokens| {
        pawn_bench::play(address, plain.vocabulary, tokens, &mut keys).0
    });
    bench_games(&mut group, "tokens", |address, tokens| {
        playout::play(address, &plain, tokens, None).length
    });
    bench_games(&mut group, "legal sets", |address, tokens| {
        choices.truncate(0);
        playout::play(address, &plain, tokens, Some(&mut choices)).length
    });
    bench_games(&mut group, "mate_boost 1.0", |address, tokens| {
        playout::play(address, &boosted, tokens, None).length
    });
    group.finish();
}

fn recorded_games(criterion: &mut Criterion) {
    let rules = rules(0.0);
    let mut tokens = vec![0; MAX_PLY];
    let address = Address {
        seed: 1,
        index: 0,
        attempt: 0,
    };
    let length = playout::play(address, &rules, &mut tokens, None).length;
    let mut group = criterion.benchmark_group("recorded games");
    group.throughput(Throughput::Elements(length as u64));
    group.bench_function("walk", |bencher| {
        bencher.iter(|| {
            let mut walk = Walk::start();
            for &token in black_box(&tokens[..length]) {
                walk.play(token, rules.vocabulary).expect("a legal move");
            }
            walk.n_legal()
        });
    });
    group.finish();
}

criterion_group!(benches, random_games, recorded_games);
criterion_main!(benches);
