//! Numpy arrays that a call fills: the caller's, or fresh ones.

use numpy::{
    Element, IntoPyArray, PyArray2, PyArrayMethods, PyReadwriteArray2, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::buffers::{self, Zero};
use crate::error::{Error, Result};
use crate::py::arrays::describe;

/// The arrays of a caller by name, from a dictionary argument `out`.
pub struct Outputs<'py> {
    arrays: Bound<'py, PyDict>,
}

impl<'py> Outputs<'py> {
    pub fn new(
        py: Python<'py>,
        out: Option<&Bound<'py, PyAny>>,
        names: &[&str],
    ) -> PyResult<Outputs<'py>> {
        let expected = format!("a dict of arrays named {}", names.join(", "));
        let Some(out) = out else {
            return Ok(Outputs {
                arrays: PyDict::new(py),
            });
        };
        let Ok(arrays) = out.cast::<PyDict>() else {
            return Err(Error::out_of_range("out", expected, out.get_type()).into());
        };
        for name in arrays.keys() {
            if !name.extract::<&str>().is_ok_and(|n| names.contains(&n)) {
                return Err(Error::out_of_range("out", expected, format!("key {name:?}")).into());
            }
        }
        Ok(Outputs {
            arrays: arrays.clone(),
        })
    }

    /// The array of this name.
    pub fn get(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.arrays.get_item(name)
    }

    /// The second dimension of the first array that has one.
    pub fn width(&self) -> Option<usize> {
        let width = |array: Bound<'py, PyAny>| {
            let shape = array.cast::<PyUntypedArray>().ok()?.shape().to_vec();
            shape.get(1).copied()
        };
        self.arrays.values().iter().find_map(width)
    }
}

/// A writable array of whole numbers.
pub enum Integers<'py> {
    I16(PyReadwriteArray2<'py, i16>),
    I32(PyReadwriteArray2<'py, i32>),
    I64(PyReadwriteArray2<'py, i64>),
}

/// What a call writes to such an array.
pub enum IntegerSlice<'a> {
    I16(&'a mut [i16]),
    I32(&'a mut [i32]),
    I64(&'a mut [i64]),
}

impl<'py> Integers<'py> {
    pub fn new(
        name: &'static str,
        array: &Bound<'py, PyAny>,
        shape: [usize; 2],
    ) -> PyResult<Integers<'py>> {
        let dtype = "int64, int32 or int16";
        if array.cast::<PyArray2<i16>>().is_ok() {
            writable(name, array, shape, dtype).map(Integers::I16)
        } else if array.cast::<PyArray2<i32>>().is_ok() {
            writable(name, array, shape, dtype).map(Integers::I32)
        } else {
            writable(name, array, shape, dtype).map(Integers::I64)
        }
    }

    pub fn as_slice_mut(&mut self) -> PyResult<IntegerSlice<'_>> {
        Ok(match self {
            Integers::I16(array) => IntegerSlice::I16(array.as_slice_mut()?),
            Integers::I32(array) => IntegerSlice::I32(array.as_slice_mut()?),
            Integers::I64(array) => IntegerSlice::I64(array.as_slice_mut()?),
        })
    }
}

/// A C-contiguous array of this type and shape, for this call alone to write.
pub fn writable<'py, T: Element>(
    name: &'static str,
    array: &Bound<'py, PyAny>,
    [rows, columns]: [usize; 2],
    dtype: &str,
) -> PyResult<PyReadwriteArray2<'py, T>> {
    let refused = |why: &str| {
        let expected =
            format!("a writable C-contiguous {dtype} array of shape ({rows}, {columns})");
        let got = format!("{}{why}", describe(array));
        PyErr::from(Error::out_of_range(name, expected, got))
    };
    let Ok(typed) = array.cast::<PyArray2<T>>() else {
        return Err(refused(""));
    };
    if typed.shape() != [rows, columns] {
        return Err(refused(""));
    }
    if !typed.is_c_contiguous() {
        return Err(refused(", not contiguous"));
    }
    typed
        .try_readwrite()
        .map_err(|e| refused(&format!(" ({e})")))
}

/// A fresh array of zeros.
pub fn fresh<'py, T: Element + Zero>(
    py: Python<'py>,
    what: &'static str,
    shape: [usize; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let zeros: Result<Vec<T>> = buffers::zeroed(what, shape[0] as u128 * shape[1] as u128);
    Ok(zeros?.into_pyarray(py).reshape(shape)?.into_any())
}
