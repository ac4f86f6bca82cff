//! Sets of squares as bytes, row 0 being rank 8 and column 0 file a.

/// Squares of a board.
pub const SQUARES: usize = 64;

/// The bits of a byte as bytes, lowest first.
static BYTES: [u64; 256] = {
    let mut bytes = [0; 256];
    let mut value = 0;
    while value < 256 {
        let mut bit = 0;
        while bit < 8 {
            bytes[value] |= (value as u64 >> bit & 1) << (8 * bit);
            bit += 1;
        }
        value += 1;
    }
    bytes
};

/// Write on each square of a grid the sum of the weights of the sets (a1 is bit 0) it is in: at most
/// 255.
#[inline(always)]
pub fn write<const N: usize>(sets: [(u64, u64); N], grid: &mut [u8]) {
    let (rows, _) = grid.as_chunks_mut::<8>();
    for (rank, row) in (0..8).rev().zip(rows) {
        let weighed = sets.map(|(set, weight)| BYTES[(set >> (8 * rank) & 0xff) as usize] * weight);
        *row = weighed.into_iter().sum::<u64>().to_le_bytes();
    }
}

/// Write a set as one grid of zeros and ones.
#[inline(always)]
pub fn write_set(set: u64, grid: &mut [u8]) {
    write([(set, 1)], grid);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_is_rank_eight_and_the_first_column_file_a() {
        let mut grid = [9; SQUARES];
        let (a8, h1) = (1 << 56, 1 << 7);
        write([(a8 | h1, 1), (h1, 254)], &mut grid);
        let mut expected = [0; SQUARES];
        (expected[0], expected[63]) = (1, 255);
        assert_eq!(grid, expected);
    }
}
