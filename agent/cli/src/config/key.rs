//! Names of settings: dotted paths such as `budget.calls` or `price."gpt-4.1".input`.

use std::fmt;

use toml::de::DeTable;

/// The path of a setting from the root of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub Vec<String>);

impl Key {
    /// Reads a dotted path with TOML's rules of quoting; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(['=', '\n', '\r']) {
            return None;
        }
        let document = format!("{text} = 0");
        let root = DeTable::parse(&document).ok()?.into_inner();
        let (mut path, mut table) = (Vec::new(), &root);
        while let Some((name, value)) = table.iter().next() {
            path.push(name.get_ref().to_string());
            let Some(inner) = value.get_ref().as_table() else { return Some(Self(path)) };
            table = inner;
        }
        None
    }

    /// This path with one more segment.
    #[must_use]
    pub fn child(&self, segment: &str) -> Self {
        Self(self.0.iter().cloned().chain([segment.to_owned()]).collect())
    }

    /// The segments as texts, for matching.
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// Whether one of the paths leads through the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a == b)
    }
}

impl From<&[&str]> for Key {
    fn from(segments: &[&str]) -> Self {
        Self(segments.iter().map(|segment| (*segment).to_owned()).collect())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(".")?;
            }
            let bare = !segment.is_empty()
                && segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            if bare { f.write_str(segment)? } else { write!(f, "{segment:?}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_printed() {
        for text in ["budget.calls", "price.\"gpt-4.1\".input", "trusted"] {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "a..b", "a b", "a\nb", "x = 1\ny", "[a]"] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn overlap_is_prefix_either_way() {
        let key = |text| Key::parse(text).unwrap();
        assert!(key("a.b").overlaps(&key("a.b.c")) && key("a.b.c").overlaps(&key("a.b")));
        assert!(!key("a.b").overlaps(&key("a.c")));
    }
}
