//! Large arrays.

use crate::error::{Error, Result};

/// An array of zeros, or an error where this machine has no room for it; `argument` says what
/// makes it so large.
///
/// ```
/// use chess_engine::buffers::zeroed;
/// assert_eq!(zeroed::<i16>("n", 3), Ok(vec![0, 0, 0]));
/// assert!(zeroed::<i16>("n", u128::MAX / 2).is_err());
/// ```
pub fn zeroed<T: Clone + Default>(argument: &'static str, len: u128) -> Result<Vec<T>> {
    let too_large = Error::TooLarge {
        argument,
        bytes: len.saturating_mul(size_of::<T>() as u128),
    };
    let Ok(len) = usize::try_from(len) else {
        return Err(too_large);
    };
    let mut array = Vec::new();
    array.try_reserve_exact(len).map_err(|_| too_large)?;
    array.resize(len, T::default());
    Ok(array)
}
