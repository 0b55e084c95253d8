//! Checksums of rows.

/// Length of a seal in bytes.
pub(crate) const LENGTH: usize = 32;

/// BLAKE3 over the table's name, the row's key and its body, each behind its length, so that bytes cannot move from one
/// field to the next unnoticed.
pub(crate) fn seal(table: &str, key: &[&str], body: &[u8]) -> [u8; LENGTH] {
    let mut hasher = blake3::Hasher::new();
    let names = std::iter::once(table).chain(key.iter().copied()).map(str::as_bytes);
    for field in names.chain([body]) {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::seal;

    #[test]
    fn fields_are_kept_apart() {
        assert_ne!(seal("t", &["ab"], b"c"), seal("t", &["a"], b"bc"));
        assert_ne!(seal("t", &["a"], b""), seal("u", &["a"], b""));
        assert_eq!(seal("t", &["a"], b""), seal("t", &["a"], b""));
    }
}
