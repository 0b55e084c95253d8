//! Which tests of a data set a search may see.
//!
//! Published figures differ in this more than in anything else, so every report names the protocol, and results of
//! different protocols never stand in one table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which tests are visible and which are hidden. What is not said here is as in `strict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// Only what the statement shows is visible: docstring examples of HumanEval, nothing of MBPP, statement examples or
    /// public tests of APPS. All else is hidden.
    #[default]
    Strict,
    /// MBPP (full form): the first assertion is visible and part of the statement, the others are hidden.
    Legacy,
    /// MBPP (full form): all assertions are visible and part of the statement, and are the hidden tests, too. Rows with
    /// generated tests: those are left out.
    ///
    /// Source: Li et al. 2025, *CodeTree*, and its published code.
    CodetreeCompat,
    /// APPS: the first half of the row's tests is visible, the second half hidden; examples of the statement don't count.
    ///
    /// Source: Li et al. 2025, *RethinkMCTS*, and its published code.
    RethinkCompat,
}

impl Protocol {
    /// All protocols, the default first.
    pub const ALL: [Self; 4] = [Self::Strict, Self::Legacy, Self::CodetreeCompat, Self::RethinkCompat];

    /// Its name, as in reports and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Legacy => "legacy",
            Self::CodetreeCompat => "codetree-compat",
            Self::RethinkCompat => "rethink-compat",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No protocol has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no protocol `{name}`; choose one of {}", Protocol::ALL.map(Protocol::name).join(", "))]
pub struct UnknownProtocol {
    /// The name.
    pub name: String,
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        let known = Self::ALL.into_iter().find(|protocol| protocol.name() == name);
        known.ok_or_else(|| UnknownProtocol { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse(), Ok(protocol));
            assert_eq!(serde_json::to_value(protocol).unwrap(), protocol.name());
        }
        let error = "lenient".parse::<Protocol>().unwrap_err().to_string();
        assert!(error.contains("`lenient`") && error.contains("strict, legacy"), "{error}");
    }
}
