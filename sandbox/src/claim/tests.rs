//! The codec: what is encoded is decoded, and nothing else makes trouble.

use proptest::prelude::*;

use super::*;
use crate::value::tests::any_value;

fn check_error(bytes: &[u8], expected: ClaimError) {
    assert_eq!(decode(bytes, DecodeLimits::default()), Err(expected));
}

#[test]
fn damage_is_named_with_its_place() {
    check_error(b"", ClaimError::Truncated { at: 0 });
    check_error(b"NN", ClaimError::Trailing { at: 1 });
    check_error(b"x", ClaimError::Tag { at: 0, tag: b'x' });
    check_error(b"l\x02\0\0\0Nx", ClaimError::Tag { at: 6, tag: b'x' });
    check_error(b"s\xff\xff\xff\xff", ClaimError::Truncated { at: 5 });
    check_error(b"s\x01\0\0\0\xff", ClaimError::Text { at: 6 });
    check_error(b"l\xff\xff\xff\xff", ClaimError::Truncated { at: 5 });
}

#[test]
fn depth_and_nodes_are_limited() {
    let nested = b"l\x01\0\0\0".repeat(200_000);
    check_error(&nested, ClaimError::Limit { what: "depth", at: 500 });
    let limits = DecodeLimits { depth: 2, nodes: 3 };
    assert!(decode(b"l\x02\0\0\0NN", limits).is_ok());
    assert_eq!(decode(b"l\x03\0\0\0NNN", limits), Err(ClaimError::Limit { what: "nodes", at: 7 }));
}

proptest! {
    #[test]
    fn values_survive(value in any_value()) {
        prop_assert_eq!(decode(&encode(&value), DecodeLimits::default()), Ok(value));
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = decode(&bytes, DecodeLimits::default());
    }

    #[test]
    fn a_damaged_claim_is_a_value_or_an_error(
        value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encode(&value);
        *at.get_mut(&mut bytes) = byte;
        if let Ok(read) = decode(&bytes, DecodeLimits::default()) {
            prop_assert!(encode(&read).len() <= bytes.len() + 4);
        }
    }
}
