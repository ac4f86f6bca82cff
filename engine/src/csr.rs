//! Ragged rows of tokens, one after the other (compressed sparse rows).

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::buffers;
use crate::error::Result;
use crate::threads::Workers;

/// `values[offsets[r]..offsets[r + 1]]` is row `r`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRows {
    pub values: Vec<i16>,
    pub offsets: Vec<i64>,
}

impl Default for TokenRows {
    fn default() -> TokenRows {
        TokenRows {
            values: Vec::new(),
            offsets: vec![0],
        }
    }
}

impl TokenRows {
    /// Append one row, ascending.
    pub fn push_sorted(&mut self, row: impl IntoIterator<Item = i16>) {
        let start = self.values.len();
        self.values.extend(row);
        self.values[start..].sort_unstable();
        self.offsets.push(self.values.len() as i64);
    }

    /// Append one row.
    pub fn push(&mut self, row: &[i16]) {
        self.values.extend_from_slice(row);
        self.offsets.push(self.values.len() as i64);
    }

    /// Append rows of this value alone.
    pub fn push_repeated(&mut self, value: i16, n_rows: usize) {
        let start = self.values.len() as i64;
        self.values.resize(self.values.len() + n_rows, value);
        self.offsets.extend(start + 1..=start + n_rows as i64);
    }

    /// Drop all but the first rows.
    pub fn truncate(&mut self, n_rows: usize) {
        self.offsets.truncate(n_rows + 1);
        self.values.truncate(self.offsets[n_rows] as usize);
    }

    /// Row `r`.
    pub fn row(&self, r: usize) -> &[i16] {
        &self.values[self.offsets[r] as usize..self.offsets[r + 1] as usize]
    }

    pub fn n_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Append all rows of another.
    pub fn append(&mut self, other: &TokenRows) {
        self.append_rows(other, 0..other.n_rows());
    }

    /// Append some rows of another.
    pub fn append_rows(&mut self, other: &TokenRows, rows: Range<usize>) {
        let offsets = &other.offsets[rows.start..=rows.end];
        let (first, last) = (offsets[0], offsets[rows.len()]);
        let moved = self.values.len() as i64 - first;
        self.values
            .extend_from_slice(&other.values[first as usize..last as usize]);
        self.offsets
            .extend(offsets[1..].iter().map(|offset| moved + offset));
    }

    /// Append all rows of the parts, in order, copying them in parallel. Where `share` says what
    /// part of all rows there will be is there afterwards, memory is asked for once.
    pub fn append_all(
        &mut self,
        parts: &[&TokenRows],
        share: f64,
        workers: &Workers,
    ) -> Result<()> {
        let n_values = parts.iter().map(|part| part.values.len()).sum();
        let n_rows = parts.iter().map(|part| part.n_rows()).sum();
        let mut base = self.values.len() as i64;
        let mut values = room(&mut self.values, n_values, share)?;
        let mut offsets = room(&mut self.offsets, n_rows, share)?;
        let jobs = parts.iter().map(|part| {
            let values = values
                .split_off_mut(..part.values.len())
                .expect("summed above");
            let offsets = offsets
                .split_off_mut(..part.n_rows())
                .expect("summed above");
            let first = base;
            base += part.values.len() as i64;
            (*part, values, offsets, first)
        });
        workers.map(jobs.collect(), |(part, values, offsets, first)| {
            values.write_copy_of_slice(&part.values);
            for (slot, offset) in offsets.iter_mut().zip(&part.offsets[1..]) {
                slot.write(first + offset);
            }
        })?;
        // SAFETY: the jobs have written all of both.
        unsafe {
            self.values.set_len(self.values.len() + n_values);
            self.offsets.set_len(self.offsets.len() + n_rows);
        }
        Ok(())
    }

    /// All rows of the parts, in order.
    pub fn concatenate(parts: &[TokenRows]) -> TokenRows {
        let mut all = TokenRows::default();
        parts.iter().for_each(|part| all.append(part));
        all
    }
}

/// Room for `more` values at the end of an array that then holds about this share of all there will
/// be.
fn room<T>(array: &mut Vec<T>, more: usize, share: f64) -> Result<&mut [MaybeUninit<T>]> {
    let len = array.len() + more;
    if len > array.capacity() {
        let all = (len as f64 / share * 1.02) as usize;
        buffers::reserve("n_games", array, all.max(len) - array.len())?;
    }
    Ok(&mut array.spare_capacity_mut()[..more])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_rows_follow_the_rows_before() {
        let mut rows = TokenRows::default();
        rows.push_sorted([2, 1]);
        rows.push_repeated(7, 2);
        rows.push_sorted([3]);
        assert_eq!(rows.values, [1, 2, 7, 7, 3]);
        assert_eq!(rows.offsets, [0, 2, 3, 4, 5]);
    }

    #[test]
    fn concatenated_rows_are_the_rows_of_the_parts() {
        let mut first = TokenRows::default();
        first.push_sorted([3, 1, 2]);
        first.push_sorted([]);
        let mut second = TokenRows::default();
        second.push_sorted([9]);
        let all = TokenRows::concatenate(&[first, TokenRows::default(), second]);
        assert_eq!(all.n_rows(), 3);
        assert_eq!(
            [all.row(0), all.row(1), all.row(2)],
            [&[1, 2, 3][..], &[], &[9]]
        );
    }

    #[test]
    fn rows_appended_in_parallel_are_the_rows_of_the_parts() {
        let part = |n: i16| {
            let mut part = TokenRows::default();
            (0..n).for_each(|i| part.push_sorted(0..i));
            part
        };
        let parts = [part(5), TokenRows::default(), part(9), part(1)];
        for threads in [1, 3] {
            let workers = Workers::new(Some(threads)).unwrap();
            let mut all = part(2);
            for share in [0.5, 1.0] {
                let more: Vec<_> = parts.iter().collect();
                all.append_all(&more, share, &workers).unwrap();
            }
            let mut expected = vec![part(2)];
            expected.extend(parts.iter().chain(&parts).cloned());
            assert_eq!(all, TokenRows::concatenate(&expected));
        }
    }
}
