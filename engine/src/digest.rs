//! Digests of games.

use blake2b_simd::Params;

use crate::vocabulary::Vocabulary;

/// Tokens hashed at a time.
const CHUNK: usize = 256;

/// 64 bits of BLAKE2b of the moves alone, as little-endian "searchless" tokens whatever the
/// vocabulary. All tokens must be moves.
pub fn of_moves(tokens: &[i16], vocabulary: &Vocabulary) -> u64 {
    let canonical = Vocabulary::canonical();
    let mut hash = Params::new().hash_length(size_of::<u64>()).to_state();
    let mut bytes = [0; 2 * CHUNK];
    for chunk in tokens.chunks(CHUNK) {
        for (pair, &token) in bytes.chunks_exact_mut(2).zip(chunk) {
            let token = match vocabulary.name == canonical.name {
                true => token,
                false => vocabulary.move_of(token).map_or(-1, |m| canonical.token(m)),
            };
            pair.copy_from_slice(&token.to_le_bytes());
        }
        hash.update(&bytes[..2 * chunk.len()]);
    }
    let digest = hash.finalize();
    u64::from_le_bytes(digest.as_bytes().try_into().expect("the length asked for"))
}
