//! Large arrays.

use std::alloc::{Layout, alloc_zeroed};

use crate::error::{Error, Result};

/// A number whose zero is all bits zero.
///
/// # Safety
/// Memory of all bits zero is a valid value.
pub unsafe trait Zero: Copy {}

// SAFETY: so it is for flags and all numbers.
unsafe impl Zero for bool {}
unsafe impl Zero for i8 {}
unsafe impl Zero for u8 {}
unsafe impl Zero for i16 {}
unsafe impl Zero for i32 {}
unsafe impl Zero for i64 {}
unsafe impl Zero for u64 {}
unsafe impl Zero for f32 {}

/// An array of zeros, or an error where this machine has no room for it; `argument` says what
/// makes it so large. Its memory is touched only where it is written.
///
/// ```
/// use chess_engine::buffers::zeroed;
/// assert_eq!(zeroed::<i16>("n", 3), Ok(vec![0, 0, 0]));
/// assert!(zeroed::<i16>("n", u128::MAX / 2).is_err());
/// ```
pub fn zeroed<T: Zero>(argument: &'static str, len: u128) -> Result<Vec<T>> {
    let too_large = || Error::TooLarge {
        argument,
        bytes: len.saturating_mul(size_of::<T>() as u128),
    };
    let len = usize::try_from(len).map_err(|_| too_large())?;
    let layout = Layout::array::<T>(len).map_err(|_| too_large())?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout has a size.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(too_large());
    }
    advise_bytes(start, layout.size());
    // SAFETY: the global allocator gave `start` for this layout, and zeros are valid by `Zero`.
    Ok(unsafe { Vec::from_raw_parts(start.cast(), len, len) })
}

/// Make room for more values, or say that there is none; `argument` as in [`zeroed`].
pub fn reserve<T>(argument: &'static str, array: &mut Vec<T>, more: usize) -> Result<()> {
    let len = array.len() as u128 + more as u128;
    let room = array.try_reserve_exact(more);
    room.map_err(|_| Error::TooLarge {
        argument,
        bytes: len * size_of::<T>() as u128,
    })?;
    advise(array);
    Ok(())
}

/// Ask for large pages for a large array: most of the time that fresh memory takes is its page
/// faults.
pub fn advise<T>(array: &mut Vec<T>) {
    let size = array.capacity() * size_of::<T>();
    advise_bytes(array.as_mut_ptr().cast(), size);
}

#[cfg(target_os = "linux")]
fn advise_bytes(start: *mut u8, size: usize) {
    const PAGE: usize = 4096;
    const LARGE: usize = 4 << 20;
    let skipped = start.align_offset(PAGE);
    if size >= LARGE {
        let (first, rest) = (start.wrapping_add(skipped), size - skipped);
        // SAFETY: the range lies within an allocation of ours; the advice changes no contents.
        unsafe { libc::madvise(first.cast(), rest / PAGE * PAGE, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_bytes(_start: *mut u8, _size: usize) {}
