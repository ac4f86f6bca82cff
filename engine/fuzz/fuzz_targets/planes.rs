#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pawn_fuzz::planes(data));
