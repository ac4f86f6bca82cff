//! The Python module `chess_engine._native`: checks, conversions, nothing else.

/// The docstring that the Python stub has for a name.
macro_rules! doc {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/docs/", $name))
    };
}

mod arguments;
mod arrays;
mod batch;
mod calls;
mod ceiling;
mod checkmates;
mod diagnostics;
mod errors;
mod flags;
mod flat;
mod games;
mod masks;
mod notation;
mod outputs;
mod pgn;
mod position;
mod states;
mod training;
mod uci;
mod validation;
mod vocabulary;

#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    use crate::outcome::Termination;

    #[pymodule_export]
    use super::batch::BatchGames;
    #[pymodule_export]
    use super::ceiling::{
        AccuracyCeiling, Ceilings, Estimate, combine_ceiling_sums, compute_accuracy_ceiling,
        compute_ceiling_sums,
    };
    #[pymodule_export]
    use super::checkmates::generate_checkmate_games;
    #[pymodule_export]
    use super::diagnostics::{DiagnosticSets, generate_diagnostic_sets};
    #[pymodule_export]
    use super::flags::{EdgeCaseFlags, compute_edge_case_flags};
    #[pymodule_export]
    use super::flat::{FlatChecks, FlatGames, GameReader, check_flat_games};
    #[pymodule_export]
    use super::games::{Games, generate_random_games};
    #[pymodule_export]
    use super::masks::{
        LegalTokens, compute_legal_moves, compute_legal_token_masks,
        compute_legal_token_masks_sparse,
    };
    #[pymodule_export]
    use super::notation::{tokens_to_pgn, tokens_to_san, tokens_to_uci};
    #[pymodule_export]
    use super::pgn::{PgnGames, PgnReader, parse_pgn_file, pgn_to_tokens};
    #[pymodule_export]
    use super::position::{apply, legal_moves, perft};
    #[pymodule_export]
    use super::states::{BoardStates, PositionColumns, count_legal_moves, extract_board_states};
    #[pymodule_export]
    use super::training::{TrainingBatch, generate_training_batch};
    #[pymodule_export]
    use super::uci::{UciGames, UciReader, parse_uci_file};
    #[pymodule_export]
    use super::validation::{Validation, validate_games};
    #[pymodule_export]
    use super::vocabulary::{Vocabulary, export_move_vocabulary};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::threads::settle();
        module.add("SOURCE_DIGEST", env!("SOURCE_DIGEST"))?;
        module.add("EDGE_CASES", super::flags::table(module.py())?)?;
        module.add(
            "TERMINATIONS",
            pyo3::types::PyTuple::new(module.py(), Termination::NAMES)?,
        )
    }
}
