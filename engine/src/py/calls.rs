//! Work without the GIL that a signal can end.

use std::sync::OnceLock;

use pyo3::prelude::*;

use crate::error::Result;
use crate::py::arguments::{self, Integer};
use crate::threads::Workers;

/// Do the work of one call on its threads. Meanwhile the calling thread handles signals, as Python
/// does between two lines of code: Ctrl-C ends the work with `KeyboardInterrupt`.
pub fn run<T: Send>(
    py: Python<'_>,
    threads: Option<Integer>,
    work: impl FnOnce(&Workers) -> Result<T> + Send,
) -> PyResult<T> {
    let workers = Workers::new(arguments::threads(threads)?)?;
    run_on(py, workers, work)
}

/// [`run`] on these threads.
pub fn run_on<T: Send>(
    py: Python<'_>,
    workers: Workers<'_>,
    work: impl FnOnce(&Workers) -> Result<T> + Send,
) -> PyResult<T> {
    attended(py, workers, |_| Ok(()), work)
}

/// Do the work and, now and then, handle signals and `attend`; what either raises ends the work.
pub fn attended<T: Send>(
    py: Python<'_>,
    workers: Workers<'_>,
    attend: impl Fn(Python<'_>) -> PyResult<()> + Sync,
    work: impl FnOnce(&Workers) -> Result<T> + Send,
) -> PyResult<T> {
    let raised = OnceLock::new();
    let stop = || {
        let handled = Python::attach(|py| py.check_signals().and_then(|()| attend(py)));
        handled.is_err_and(|error| raised.set(error).is_ok())
    };
    let result = py.detach(|| work(&workers.until(&stop)));
    match raised.into_inner() {
        Some(error) => Err(error),
        None => Ok(result?),
    }
}
