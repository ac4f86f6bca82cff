//! Checked numpy arguments.

use numpy::ndarray::Dimension;
use numpy::{
    Element, PyArray, PyArrayMethods, PyReadonlyArray, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::error::Error;

/// A C-contiguous array of this dtype and number of dimensions; `shape` describes it in errors.
pub fn contiguous<'py, T: Element, D: Dimension>(
    name: &'static str,
    value: &Bound<'py, PyAny>,
    expected: &'static str,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    let refused = |got: String| PyErr::from(Error::out_of_range(name, expected, got));
    let Ok(array) = value.cast::<PyArray<T, D>>() else {
        return Err(refused(describe(value)));
    };
    if !array.is_c_contiguous() {
        return Err(refused(format!(
            "a non-contiguous {}; use numpy.ascontiguousarray",
            describe(value)
        )));
    }
    array.try_readonly().map_err(|e| refused(e.to_string()))
}

fn describe(value: &Bound<'_, PyAny>) -> String {
    match value.cast::<PyUntypedArray>() {
        Ok(array) => format!("{} array of shape {:?}", array.dtype(), array.shape()),
        Err(_) => value.get_type().to_string(),
    }
}
