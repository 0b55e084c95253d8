//! Hashes cut down to numbers that fit the search.

/// The first eight bytes of a hash as a number.
pub(crate) fn number(hash: &blake3::Hash) -> u64 {
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
