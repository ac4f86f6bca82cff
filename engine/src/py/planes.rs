//! `EncodedPositions`, `encode_positions` and `encode_game_positions`.

use numpy::{IntoPyArray, PyArray1, PyArray3, PyArray4, PyArrayMethods};
use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::planes::{self, GamePosition, PLANES, Wanted, targets::TASKS};
use crate::py::arguments::Integer;
use crate::py::{arrays, calls, texts};
use crate::replay::Recorded;
use crate::vocabulary::Vocabulary;

type Grids = Py<PyArray3<u8>>;
type Planes = Py<PyArray4<u8>>;

#[doc = doc!("EncodedPositions")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct EncodedPositions {
    planes: Planes,
    side_to_move: Py<PyArray1<u8>>,
    legal_moves: Option<Py<PyArray1<i16>>>,
    legal_offsets: Option<Py<PyArray1<i64>>>,
    piece: Option<Grids>,
    threat: Option<Grids>,
    pin: Option<Grids>,
    fork: Option<Grids>,
    control: Option<Grids>,
    pawn_structure: Option<Planes>,
    king_safety: Option<Grids>,
}

#[pymethods]
impl EncodedPositions {
    #[doc = doc!("EncodedPositions.target")]
    fn target(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let by_task = [
            any(py, &self.piece),
            any(py, &self.threat),
            any(py, &self.pin),
            any(py, &self.fork),
            any(py, &self.control),
            any(py, &self.pawn_structure),
            any(py, &self.king_safety),
        ];
        let mut named = TASKS.iter().zip(by_task);
        let Some((_, target)) = named.find(|((task, _), _)| *task == name) else {
            let expected = format!("one of: {}", TASKS.map(|(task, _)| task).join(", "));
            return Err(Error::out_of_range("name", expected, format!("{name:?}")).into());
        };
        let got = "positions encoded with targets=False";
        Ok(target.ok_or_else(|| Error::out_of_range("name", "a target that was made", got))?)
    }
}

fn any<T>(py: Python<'_>, target: &Option<Py<T>>) -> Option<Py<PyAny>> {
    target
        .as_ref()
        .map(|target| target.clone_ref(py).into_any())
}

impl EncodedPositions {
    fn new(py: Python<'_>, encoded: planes::EncodedPositions) -> PyResult<EncodedPositions> {
        let n = encoded.side_to_move.len();
        let grids =
            |planes: usize, values: Vec<u8>| values.into_pyarray(py).reshape([n, planes, 8, 8]);
        let mut targets = encoded.targets.map(|targets| targets.into_iter());
        let mut next = || targets.as_mut().and_then(Iterator::next);
        let grid = |values: Option<Vec<u8>>| -> PyResult<Option<Grids>> {
            let grid = values.map(|values| values.into_pyarray(py).reshape([n, 8, 8]));
            Ok(grid.transpose()?.map(Bound::unbind))
        };
        let (legal_moves, legal_offsets) = encoded
            .legal
            .map(|rows| (rows.values, rows.offsets))
            .unzip();
        Ok(EncodedPositions {
            planes: grids(PLANES, encoded.planes)?.unbind(),
            side_to_move: encoded.side_to_move.into_pyarray(py).unbind(),
            legal_moves: legal_moves.map(|values| values.into_pyarray(py).unbind()),
            legal_offsets: legal_offsets.map(|offsets| offsets.into_pyarray(py).unbind()),
            piece: grid(next())?,
            threat: grid(next())?,
            pin: grid(next())?,
            fork: grid(next())?,
            control: grid(next())?,
            pawn_structure: next()
                .map(|values| grids(8, values))
                .transpose()?
                .map(Bound::unbind),
            king_safety: grid(next())?,
        })
    }
}

#[doc = doc!("encode_positions")]
#[pyfunction]
#[pyo3(signature = (fens, *, kinds = None, targets = true, legal = true, threads = None))]
pub fn encode_positions(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    kinds: Option<&Bound<'_, PyAny>>,
    targets: bool,
    legal: bool,
    threads: Option<Integer>,
) -> PyResult<EncodedPositions> {
    let fens = texts::texts("fens", fens)?;
    let kinds = kinds
        .map(|kinds| texts::kinds_for(kinds, fens.len()))
        .transpose()?;
    let wanted = Wanted { targets, legal };
    let encoded = calls::run(py, threads, |workers| {
        planes::encode(&fens, kinds.as_deref(), wanted, workers)
    })?;
    EncodedPositions::new(py, encoded)
}

#[doc = doc!("encode_game_positions")]
#[pyfunction]
#[pyo3(signature = (
    tokens, lengths = None, *, rows, plies, targets = true, legal = true,
    vocabulary = "searchless", threads = None
))]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn encode_game_positions(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    rows: &Bound<'_, PyAny>,
    plies: &Bound<'_, PyAny>,
    targets: bool,
    legal: bool,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<EncodedPositions> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let rows = texts::integers("rows", rows)?;
    let plies = texts::integers_for("plies", plies, rows.len(), "rows")?;
    let positions = positions(&games, &rows, &plies)?;
    let wanted = Wanted { targets, legal };
    let encoded = calls::run(py, threads, |workers| {
        planes::encode_games(&games, &positions, vocabulary, wanted, workers)
    })?;
    EncodedPositions::new(py, encoded)
}

fn positions(games: &Recorded, rows: &[u64], plies: &[u64]) -> Result<Vec<GamePosition>> {
    let position = |(i, (&row, &ply)): (usize, (&u64, &u64))| {
        let Some(game) = games.rows.get(row as usize) else {
            let reason = format!("tokens has {} games", games.rows.len());
            return Err(Error::item("rows", i, row, reason));
        };
        if ply > game.len() as u64 {
            let reason = format!("game {row} has {} plies", game.len());
            return Err(Error::item("plies", i, ply, reason));
        }
        Ok(GamePosition {
            game: row as usize,
            ply: ply as usize,
        })
    };
    rows.iter().zip(plies).enumerate().map(position).collect()
}
