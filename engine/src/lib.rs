//! Chess rules, game generation and tokens for PAWN lab.

#[cfg(feature = "python")]
#[pyo3::pymodule]
mod _native {}
