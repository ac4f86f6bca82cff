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
mod environment;
mod errors;
mod flags;
mod flat;
mod games;
mod masks;
mod notation;
mod outputs;
mod pgn;
mod planes;
mod policy;
mod policy_index;
mod position;
mod states;
mod task_positions;
mod texts;
mod training;
mod uci;
mod validation;
mod vocabulary;

#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    use crate::outcome::Termination;
    use crate::planes::{policy, targets};
    use crate::tasks::{asked, strata};

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
    use super::environment::{
        EnvironmentScores, EnvironmentSteps, environment_rows, score_environment, step_environment,
    };
    #[pymodule_export]
    use super::flags::{EdgeCaseFlags, compute_edge_case_flags};
    #[pymodule_export]
    use super::flat::{FlatChecks, FlatGames, GameReader, check_flat_games, match_time_controls};
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
    use super::planes::{EncodedPositions, encode_game_positions, encode_positions};
    #[pymodule_export]
    use super::policy::{PolicyScores, policy_prompts, policy_rows, score_policy};
    #[pymodule_export]
    use super::policy_index::{may_mirror, policy_indices, policy_moves, transform_fens};
    #[pymodule_export]
    use super::position::{apply, legal_moves, perft};
    #[pymodule_export]
    use super::states::{BoardStates, PositionColumns, count_legal_moves, extract_board_states};
    #[pymodule_export]
    use super::task_positions::{TaskMoves, TaskPositions, sample_moves, sample_positions};
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
        let names = |names: &[&str]| pyo3::types::PyTuple::new(module.py(), names);
        module.add(
            "POSITION_TASKS",
            names(&targets::TASKS.map(|(name, _)| name))?,
        )?;
        module.add("IGNORED", targets::IGNORED)?;
        module.add("POLICY_SIZE", policy::SIZE)?;
        module.add(
            "POLICY_TRANSFORMS",
            super::policy_index::transforms(module.py())?,
        )?;
        module.add("STRATA", names(&strata::NAMES)?)?;
        module.add("ILLEGAL_KINDS", names(&asked::KINDS)?)?;
        module.add("TERMINATIONS", names(&Termination::NAMES)?)
    }
}
