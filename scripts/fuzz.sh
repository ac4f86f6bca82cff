#!/usr/bin/env bash
# Fuzz the engine with libFuzzer, guided by coverage: `scripts/fuzz.sh SECONDS_A_TARGET`.
# New inputs go to target/fuzz/corpus; the one that crashes is named at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v c++ >/dev/null || { echo "libFuzzer is C++: no c++ here, skipped"; exit 0; }

host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 -Clto=off"
export RUSTFLAGS="$coverage -Cdebug-assertions -Coverflow-checks"
cargo build --locked --quiet --release --package pawn-fuzz --features libfuzzer \
  --target "$host" --target-dir target/fuzz

for target in tokens fen uci pgn environment policy planes; do
  found=target/fuzz/corpus/$target
  mkdir -p "$found"
  "target/fuzz/$host/release/$target" -max_total_time="$1" -max_len=4096 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="target/fuzz/crash-$target-" \
    "$found" "engine/fuzz/corpus/$target" 2>&1 |
    grep --text -E "panicked|assert|ERROR|Test unit|stat::(number|average|new)" |
    sed "s/^/$target: /"
done
