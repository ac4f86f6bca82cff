//! `GameReader`, `FlatGames`, `check_flat_games`, `match_time_controls`.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;

use crate::error::{Error, Result};
use crate::pgn::{
    self, Date, Dropped, Filter, Format, Notation, Place, Reader, Report, Span, Speed, TimeControl,
    TimeControls,
};
use crate::py::arguments::{self, Integer};
use crate::py::pgn::{ALL, Batches};
use crate::py::{arrays, calls};
use crate::replay;
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// Ratings that may be asked for.
const HIGHEST_ELO: u64 = 10_000;
/// Games are cut for this, not dropped.
const CUT: &str = Dropped::NAMES[Dropped::MovesAfterEnd as usize];
/// No file has more games or bytes.
const LARGEST_COUNT: u64 = i64::MAX as u64 / 2;

#[doc = doc!("FlatGames")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct FlatGames {
    tokens: Py<PyArray1<i16>>,
    offsets: Py<PyArray1<i64>>,
    outcomes: Py<PyArray1<i16>>,
    white_elo: Py<PyArray1<i16>>,
    black_elo: Py<PyArray1<i16>>,
    numbers: Py<PyArray1<i64>>,
    digests: Py<PyArray1<u64>>,
    bytes_read: u64,
    report: Py<PyDict>,
    place: Py<PyDict>,
}

impl FlatGames {
    fn new(py: Python<'_>, games: pgn::FlatGames) -> PyResult<FlatGames> {
        Ok(FlatGames {
            tokens: games.tokens.into_pyarray(py).unbind(),
            offsets: games.offsets.into_pyarray(py).unbind(),
            outcomes: games.outcomes.into_pyarray(py).unbind(),
            white_elo: games.white_elo.into_pyarray(py).unbind(),
            black_elo: games.black_elo.into_pyarray(py).unbind(),
            numbers: games.numbers.into_pyarray(py).unbind(),
            digests: games.digests.into_pyarray(py).unbind(),
            bytes_read: games.bytes_read,
            report: report(py, games.place.report)?,
            place: place_to_dict(py, games.place)?,
        })
    }
}

#[doc = doc!("GameReader")]
#[pyclass(frozen, module = "chess_engine")]
pub struct GameReader(Batches<pgn::FlatGames>);

#[pymethods]
impl GameReader {
    #[new]
    #[pyo3(
        signature = (
            path, *, batch_size = Integer::of(4096), max_ply = Integer::of(512),
            vocabulary = "searchless", min_ply = Integer::of(1), elo_min = None, elo_max = None,
            time_control = None, date_min = None, date_max = None, drop_bots = false,
            require_outcome = true, start = None, threads = None
        ),
        text_signature = "(path, *, batch_size=4096, max_ply=512, vocabulary='searchless', \
            min_ply=1, elo_min=None, elo_max=None, time_control=None, date_min=None, \
            date_max=None, drop_bots=False, require_outcome=True, start=None, threads=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are those of Python")]
    fn new(
        path: PathBuf,
        batch_size: Integer,
        max_ply: Integer,
        vocabulary: &str,
        min_ply: Integer,
        elo_min: Option<Integer>,
        elo_max: Option<Integer>,
        time_control: Option<&str>,
        date_min: Option<&str>,
        date_max: Option<&str>,
        drop_bots: bool,
        require_outcome: bool,
        start: Option<&Bound<'_, PyAny>>,
        threads: Option<Integer>,
    ) -> PyResult<GameReader> {
        let batch_size = batch_size.within("batch_size", 1..=ALL)?;
        let max_ply = arguments::max_ply(max_ply)?;
        let filter = Filter {
            elo: span(
                elo("elo_min", elo_min)?,
                elo("elo_max", elo_max)?,
                "elo_max",
            )?,
            time_controls: time_control.map(time_controls).transpose()?,
            date: span(
                day("date_min", date_min)?,
                day("date_max", date_max)?,
                "date_max",
            )?,
            drop_bots,
            min_ply: min_ply.within("min_ply", 0..=max_ply as u64)? as usize,
            needs_outcome: require_outcome,
        };
        let format = Format {
            n_texts: 0,
            digests: true,
            cuts: true,
            filter,
            ..Format::new(Notation::Pgn, Vocabulary::named(vocabulary)?, max_ply)
        };
        let place = start.map(place_from).transpose()?.unwrap_or_default();
        let workers = Workers::new(arguments::threads(threads)?)?;
        let reader = Reader::open(&path, format, workers, place)?;
        Ok(GameReader(Batches::new(reader, batch_size)))
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<FlatGames> {
        FlatGames::new(py, self.0.next(py)?)
    }

    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        report(py, self.0.report(py).0)
    }
}

fn elo(name: &'static str, value: Option<Integer>) -> Result<Option<(i16, String)>> {
    let elo = |value: Integer| {
        let elo = value.within(name, 0..=HIGHEST_ELO)?;
        Ok((elo as i16, elo.to_string()))
    };
    value.map(elo).transpose()
}

fn day(name: &'static str, value: Option<&str>) -> Result<Option<(Date, String)>> {
    let day = |text: &str| {
        let got = format!("{text:?}");
        match Date::parse(text.as_bytes()) {
            Some(date) if text.as_bytes()[4] == b'-' => Ok((date, got)),
            _ => Err(Error::out_of_range(name, "a day as YYYY-MM-DD", got)),
        }
    };
    value.map(day).transpose()
}

/// From `min` on and below `max`, each with what was written.
fn span<T: PartialOrd>(
    min: Option<(T, String)>,
    max: Option<(T, String)>,
    name: &'static str,
) -> Result<Span<T>> {
    if let (Some((min, low)), Some((max, high))) = (&min, &max)
        && max <= min
    {
        let expected = format!("above {low}, where what is wanted begins");
        return Err(Error::out_of_range(name, expected, high));
    }
    Ok(Span {
        min: min.map(|(min, _)| min),
        max: max.map(|(max, _)| max),
    })
}

#[doc = doc!("match_time_controls")]
#[pyfunction]
#[pyo3(signature = (tags, time_control))]
pub fn match_time_controls<'py>(
    py: Python<'py>,
    tags: Vec<PyBackedStr>,
    time_control: &str,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let wanted = time_controls(time_control)?;
    let allows = |tag: &PyBackedStr| wanted.allow(TimeControl::of_tag(tag.as_bytes()));
    Ok(PyArray1::from_iter(py, tags.iter().map(allows)))
}

fn time_controls(text: &str) -> Result<TimeControls> {
    TimeControls::parse(text).ok_or_else(|| {
        let names = Speed::NAMES.join(", ");
        let expected = format!("one clock as 300+3, or with commas between them any of: {names}");
        Error::out_of_range("time_control", expected, format!("{text:?}"))
    })
}

/// Every count of a report by its name, in order.
fn counts(report: &Report) -> impl Iterator<Item = (&'static str, u64)> {
    let dropped = Dropped::NAMES.into_iter().zip(report.n_dropped);
    let dropped = dropped.filter(|(name, _)| *name != CUT);
    [("read", report.n_read), ("cut", report.n_cut)]
        .into_iter()
        .chain(dropped)
}

fn report(py: Python<'_>, report: Report) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("read", report.n_read)?;
    dict.set_item("kept", report.n_kept())?;
    for (name, count) in counts(&report).skip(1) {
        dict.set_item(name, count)?;
    }
    Ok(dict.unbind())
}

fn place_to_dict(py: Python<'_>, place: Place) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("byte", place.byte)?;
    dict.set_item("macintosh", u64::from(place.is_macintosh))?;
    for (name, count) in counts(&place.report) {
        dict.set_item(name, count)?;
    }
    Ok(dict.unbind())
}

fn place_from(value: &Bound<'_, PyAny>) -> PyResult<Place> {
    let count = |name: &str| {
        let count: Option<u64> = value.get_item(name).and_then(|n| n.extract()).ok();
        count.filter(|&n| n <= LARGEST_COUNT)
    };
    let place = || {
        let mut report = Report {
            n_read: count("read")?,
            n_cut: count("cut")?,
            ..Report::default()
        };
        let dropped = report.n_dropped.iter_mut().zip(Dropped::NAMES);
        for (slot, name) in dropped.filter(|(_, name)| *name != CUT) {
            *slot = count(name)?;
        }
        let is_macintosh = count("macintosh")? != 0;
        let byte = count("byte")?;
        let place = Place {
            byte,
            is_macintosh,
            report,
        };
        report.is_consistent().then_some(place)
    };
    let refused = || -> PyResult<PyErr> {
        let expected = "the place of a batch of GameReader";
        Ok(Error::out_of_range("start", expected, value.repr()?).into())
    };
    match place() {
        Some(place) => Ok(place),
        None => Err(refused()?),
    }
}

#[doc = doc!("FlatChecks")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct FlatChecks {
    first_illegal: Py<PyArray1<i32>>,
    outcomes: Py<PyArray1<i16>>,
    digests: Py<PyArray1<u64>>,
}

#[doc = doc!("check_flat_games")]
#[pyfunction]
#[pyo3(signature = (tokens, offsets, *, vocabulary = "searchless", threads = None))]
pub fn check_flat_games(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    offsets: &Bound<'_, PyAny>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<FlatChecks> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let (tokens, offsets) = (arrays::flat_tokens(tokens)?, arrays::offsets(offsets)?);
    let games = arrays::flat_games(&tokens, &offsets)?;
    let check = |game: &[i16]| replay::check(game, vocabulary);
    let checks = calls::run(py, threads, |workers| workers.map(games, check))?;
    let first_illegal = checks
        .iter()
        .map(|check| check.first_illegal.map_or(-1, |ply| ply as i32));
    let outcomes = checks.iter().map(|check| check.outcome.unwrap_or(-1));
    let digests = checks.iter().map(|check| check.digest);
    Ok(FlatChecks {
        first_illegal: PyArray1::from_iter(py, first_illegal).unbind(),
        outcomes: PyArray1::from_iter(py, outcomes).unbind(),
        digests: PyArray1::from_iter(py, digests).unbind(),
    })
}
