//! A provider's key, kept out of everything that is printed, logged or stored.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderValue;

/// What stands in for a key wherever one would have shown.
const MASK: &str = "[key]";

/// Shorter "keys" are placeholders such as `EMPTY`, and replacing them would garble ordinary text.
const SECRET_CHARS_MIN: usize = 8;

/// A provider's key. `Debug` prints `[key]`; it has no `Display` and no `Serialize`, and nothing gives it back.
#[derive(Clone)]
pub struct ApiKey(Arc<str>);

/// A text that can be no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("the key is empty: unset the variable or give it a value")]
    Empty,
    /// A character that no HTTP header can carry.
    #[error("the key has a character at position {at} that no HTTP header can carry: copy it again")]
    Unprintable {
        /// Position in characters, from 0.
        at: usize,
    },
}

impl ApiKey {
    /// A key from its text; white space around it is dropped.
    ///
    /// # Errors
    /// [`KeyError`] for an empty text or one with other than visible ASCII; it never contains the text.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        match text.chars().position(|c| !c.is_ascii_graphic()) {
            Some(at) => Err(KeyError::Unprintable { at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The same text with every occurrence of the key masked.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.len() < SECRET_CHARS_MIN || !text.contains(&*self.0) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.replace(&*self.0, MASK))
    }

    /// The value of the `Authorization` header, marked sensitive so that no HTTP layer prints it.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_shows() {
        let key = ApiKey::new(" sk-canary-1234 \n").unwrap();
        assert_eq!(format!("{key:?}"), MASK);
        assert_eq!(format!("{:?}", key.bearer().unwrap()), "Sensitive");
        assert_eq!(key.redact("a sk-canary-1234 b"), "a [key] b");
        assert_eq!(key.bearer().unwrap().to_str().unwrap(), "Bearer sk-canary-1234");
    }

    #[test]
    fn placeholders_leave_text_alone() {
        assert_eq!(ApiKey::new("EMPTY").unwrap().redact("EMPTY list"), "EMPTY list");
    }

    #[test]
    fn bad_keys_are_refused_without_being_quoted() {
        assert_eq!(ApiKey::new("  ").unwrap_err(), KeyError::Empty);
        let error = ApiKey::new("sk-secret\u{7}x").unwrap_err();
        assert_eq!(error, KeyError::Unprintable { at: 9 });
        assert!(!error.to_string().contains("secret"));
    }
}
