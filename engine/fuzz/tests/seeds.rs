//! The seeds, and seeds damaged at random, go through every target.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chess_engine::rng::{Address, Draw, GameRng};
use pawn_fuzz::{TARGETS, Target};

/// Damaged copies of each seed.
const COPIES: u64 = 150;
const SEED: u64 = 2026;

fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    paths
}

/// Run a target; where it panics, say what repeats it.
fn run(name: &str, target: Target, input: &[u8], origin: &str) {
    if panic::catch_unwind(|| target(input)).is_err() {
        panic!("{name}({input:?}) panics; it is {origin}");
    }
}

/// A copy with some bytes overwritten, removed, doubled, or taken from the other seeds.
fn damaged(seed: &[u8], other: &[u8], rng: &mut GameRng) -> Vec<u8> {
    let mut copy = seed.to_vec();
    for _ in 0..=below(4, rng) {
        let at = below(copy.len() + 1, rng);
        match below(5, rng) {
            0 if at < copy.len() => copy[at] = below(256, rng) as u8,
            1 if at < copy.len() => copy[at] ^= 1 << below(8, rng),
            2 => copy.truncate(at),
            3 => copy.extend_from_within(at..),
            _ => {
                let from = below(other.len() + 1, rng);
                copy.splice(at..at, other[from..].iter().copied().take(12));
            }
        }
    }
    copy
}

fn below(n: usize, rng: &mut GameRng) -> usize {
    Draw::next(rng).index(n as u32, rng) as usize
}

#[test]
fn no_seed_makes_the_engine_panic() {
    for (name, target) in TARGETS {
        for path in seeds(name) {
            run(
                name,
                target,
                &fs::read(&path).unwrap(),
                &path.display().to_string(),
            );
        }
    }
}

/// Attempt number `attempt` at damaging each seed of each target.
fn damage_all(attempt: u64) {
    for (name, target) in TARGETS {
        let seeds: Vec<_> = seeds(name).iter().map(|p| fs::read(p).unwrap()).collect();
        for (index, seed) in (0..).zip(&seeds) {
            let mut rng = GameRng::new(Address {
                seed: SEED,
                index,
                attempt,
            });
            let other = &seeds[below(seeds.len(), &mut rng)];
            let input = damaged(seed, other, &mut rng);
            let origin = format!("seed {index}, copy {attempt} of SEED {SEED}");
            run(name, target, &input, &origin);
        }
    }
}

#[test]
fn no_damaged_seed_makes_the_engine_panic() {
    (0..COPIES).for_each(damage_all);
}

#[test]
#[ignore = "as long as FUZZ_SECONDS says: make faults"]
fn no_damaged_seed_makes_the_engine_panic_in_the_long_run() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(600, |s| s.parse().unwrap());
    let begin = Instant::now();
    (COPIES..)
        .take_while(|_| begin.elapsed().as_secs() < seconds)
        .for_each(damage_all);
}
