//! The one place where an engine error becomes a Python exception.

use pyo3::PyErr;
use pyo3::exceptions::{
    PyKeyboardInterrupt, PyMemoryError, PyOSError, PyRuntimeError, PyValueError,
};

use crate::error::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        let message = error.to_string();
        match error {
            Error::Forked => PyRuntimeError::new_err(message),
            Error::Interrupted => PyKeyboardInterrupt::new_err(message),
            Error::Read { .. } => PyOSError::new_err(message),
            Error::TooLarge { .. } => PyMemoryError::new_err(message),
            _ => PyValueError::new_err(message),
        }
    }
}
