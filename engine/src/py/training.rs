//! `TrainingBatch` and `generate_training_batch`.

use numpy::{IntoPyArray, PyArray1, PyReadwriteArray2};
use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::generate::{self, Games, Keep, Request};
use crate::masks::Layout;
use crate::py::arguments::{self, Integer, Number};
use crate::py::calls;
use crate::py::games::csr;
use crate::py::outputs::{self, IntegerSlice, Integers, Outputs};
use crate::training::{Form, LegalSets};

#[doc = doc!("TrainingBatch")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct TrainingBatch {
    layout: &'static str,
    inputs: Py<PyAny>,
    targets: Py<PyAny>,
    loss_mask: Py<PyAny>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
    attempts: Py<PyArray1<i32>>,
    legal_values: Option<Py<PyArray1<i16>>>,
    legal_offsets: Option<Py<PyArray1<i64>>>,
    legal_probabilities: Option<Py<PyArray1<f64>>>,
    mating_values: Option<Py<PyArray1<i16>>>,
    mating_offsets: Option<Py<PyArray1<i64>>>,
}

#[doc = doc!("generate_training_batch")]
#[pyfunction]
#[pyo3(
    signature = (
        n_games, *, seed, first_game = Integer::of(0), max_ply = Integer::of(512),
        mate_boost = Number::of(0.0), discard_ply_limit = false, vocabulary = "searchless",
        layout = "pure", width = None, legal_moves = false, out = None, threads = None,
    ),
    text_signature = "(n_games, *, seed, first_game=0, max_ply=512, mate_boost=0.0, \
        discard_ply_limit=False, vocabulary='searchless', layout='pure', width=None, \
        legal_moves=False, out=None, threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn generate_training_batch(
    py: Python<'_>,
    n_games: Integer,
    seed: Integer,
    first_game: Integer,
    max_ply: Integer,
    mate_boost: Number,
    discard_ply_limit: bool,
    vocabulary: &str,
    layout: &str,
    width: Option<Integer>,
    legal_moves: bool,
    out: Option<&Bound<'_, PyAny>>,
    threads: Option<Integer>,
) -> PyResult<TrainingBatch> {
    let layout = Layout::named(layout)?;
    let games = arguments::games(n_games, first_game)?;
    let boost = mate_boost.value().unwrap_or_default();
    let request = Request {
        random: arguments::random_games(seed, games, max_ply, mate_boost, vocabulary)?,
        keep: Keep::finished(discard_ply_limit),
        choices: legal_moves,
    };
    let out = Outputs::new(py, out, &["inputs", "targets", "loss_mask"])?;
    let rules = request.random.rules;
    let least = rules.max_ply + layout.prefix();
    let width = checked_width(width, &out, least)?;
    let sequences = |width| Sequences::new(py, &out, [request.random.n_games(), width]);
    let known = width.map(sequences).transpose()?;
    let (games, sets) = calls::run(py, threads, |workers| {
        let games = generate::generate(&request, workers)?;
        let sets = LegalSets::new(&games, layout, rules.vocabulary.pad, boost);
        Ok((games, sets))
    })?;
    let form = Form {
        layout,
        width: width.unwrap_or_else(|| layout.longest(&games)),
        vocabulary: rules.vocabulary,
    };
    let sequences = known.map_or_else(|| sequences(form.width), Ok)?;
    sequences.write(py, form, &games)?;
    Ok(TrainingBatch::new(py, layout, sequences, games, sets))
}

/// The width asked for, or that of the caller's arrays; either must have room for every game.
fn checked_width(asked: Option<Integer>, out: &Outputs<'_>, least: usize) -> Result<Option<usize>> {
    const MOST: u64 = 1 << 20;
    if let Some(asked) = asked {
        return Ok(Some(asked.within("width", least as u64..=MOST)? as usize));
    }
    match out.width() {
        Some(width) if width < least => {
            let expected = format!("at least {least} wide, so that every game fits");
            Err(Error::out_of_range(
                "out",
                expected,
                format!("width {width}"),
            ))
        }
        width => Ok(width),
    }
}

/// The three arrays of a batch.
struct Sequences<'py> {
    inputs: Bound<'py, PyAny>,
    targets: Bound<'py, PyAny>,
    loss_mask: Bound<'py, PyAny>,
    shape: [usize; 2],
}

/// The same, for one call to write.
struct Borrowed<'py> {
    inputs: Integers<'py>,
    targets: Integers<'py>,
    loss_mask: PyReadwriteArray2<'py, bool>,
}

impl<'py> Sequences<'py> {
    /// The caller's arrays, and fresh ones for the others.
    fn new(py: Python<'py>, out: &Outputs<'py>, shape: [usize; 2]) -> PyResult<Sequences<'py>> {
        let array = |name: &str| match out.get(name)? {
            Some(array) => Ok(array),
            None if name == "loss_mask" => outputs::fresh::<bool>(py, "n_games x width", shape),
            None => outputs::fresh::<i64>(py, "n_games x width", shape),
        };
        let sequences = Sequences {
            inputs: array("inputs")?,
            targets: array("targets")?,
            loss_mask: array("loss_mask")?,
            shape,
        };
        sequences.borrow().map(|_| sequences)
    }

    fn borrow(&self) -> PyResult<Borrowed<'py>> {
        let (mask, shape) = (&self.loss_mask, self.shape);
        Ok(Borrowed {
            inputs: Integers::new("out[\"inputs\"]", &self.inputs, shape)?,
            targets: Integers::new("out[\"targets\"]", &self.targets, shape)?,
            loss_mask: outputs::writable("out[\"loss_mask\"]", mask, shape, "bool")?,
        })
    }

    fn write(&self, py: Python<'_>, form: Form, games: &Games) -> PyResult<()> {
        let mut borrowed = self.borrow()?;
        let inputs = borrowed.inputs.as_slice_mut()?;
        let targets = borrowed.targets.as_slice_mut()?;
        let mask = borrowed.loss_mask.as_slice_mut()?;
        py.detach(|| {
            match inputs {
                IntegerSlice::I16(inputs) => form.write_inputs(games, inputs),
                IntegerSlice::I32(inputs) => form.write_inputs(games, inputs),
                IntegerSlice::I64(inputs) => form.write_inputs(games, inputs),
            }
            match targets {
                IntegerSlice::I16(targets) => form.write_targets(games, targets),
                IntegerSlice::I32(targets) => form.write_targets(games, targets),
                IntegerSlice::I64(targets) => form.write_targets(games, targets),
            }
            form.write_loss_mask(games, mask);
        });
        Ok(())
    }
}

impl TrainingBatch {
    fn new(
        py: Python<'_>,
        layout: Layout,
        sequences: Sequences<'_>,
        games: Games,
        sets: Option<LegalSets>,
    ) -> TrainingBatch {
        let (legal, probabilities, mating) = match sets {
            Some(sets) => (Some(sets.legal), Some(sets.probabilities), sets.mating),
            None => (None, None, None),
        };
        let (legal_values, legal_offsets) = csr(py, legal);
        let (mating_values, mating_offsets) = csr(py, mating);
        TrainingBatch {
            layout: layout.name(),
            inputs: sequences.inputs.unbind(),
            targets: sequences.targets.unbind(),
            loss_mask: sequences.loss_mask.unbind(),
            lengths: games.lengths.into_pyarray(py).unbind(),
            terminations: games.terminations.into_pyarray(py).unbind(),
            outcomes: games.outcomes.into_pyarray(py).unbind(),
            attempts: games.attempts.into_pyarray(py).unbind(),
            legal_values,
            legal_offsets,
            legal_probabilities: probabilities.map(|p| p.into_pyarray(py).unbind()),
            mating_values,
            mating_offsets,
        }
    }
}
