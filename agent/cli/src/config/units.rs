//! Values that are written as text: times with units, ranges, addresses, names of variables.
//!
//! Each has one parser, used for files, variables and flags alike, whose error is a reason and a remedy. None of
//! the errors quotes the value where it could be a secret.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use crate::environment;

/// Why a value is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {remedy}")]
pub struct Complaint {
    /// What is wrong, as a fragment.
    pub reason: String,
    /// What to write instead.
    pub remedy: String,
}

impl Complaint {
    /// A complaint.
    #[must_use]
    pub fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: remedy.into() }
    }
}

/// A time: seconds as a number, or a text with units such as `500ms`, `90s`, `2m`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        const REMEDY: &str = "write seconds, or a number with ms, s, m, h or d, such as `90s` or `1h30m`";
        if let Ok(seconds) = text.parse::<f64>() {
            return Self::from_seconds(seconds);
        }
        let (mut total, mut rest) = (0.0, text.trim());
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            let number: f64 = number.parse().map_err(|_| Complaint::new("not a time", REMEDY))?;
            total +=
                number * seconds_of(unit).ok_or_else(|| Complaint::new("unknown unit of time", REMEDY))?;
            rest = after;
        }
        if text.trim().is_empty() {
            Err(Complaint::new("an empty time", REMEDY))
        } else {
            Self::from_seconds(total)
        }
    }
}

fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    })
}

impl Period {
    /// A time of so many seconds, from 1 ms to 365 days.
    ///
    /// # Errors
    /// A complaint where it is outside.
    pub fn from_seconds(seconds: f64) -> Result<Self, Complaint> {
        if (0.001..=31_536_000.0).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err(Complaint::new("the time is out of range", "give a time from 1ms to 365d"))
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (seconds, 0) => write!(f, "{seconds}s"),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(seconds) => Self::from_seconds(seconds),
            NumberOrText::Text(text) => text.parse(),
        }
        .map_err(de::Error::custom)
    }
}

/// Requests in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// Adapts between 1 and 64.
    Auto,
    /// Adapts between bounds; equal bounds are a fixed number.
    Between {
        /// At least so many.
        min: u16,
        /// At most so many.
        max: u16,
    },
}

impl FromStr for Concurrency {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let complain = |reason| {
            Complaint::new(reason, "write \"auto\", a number from 1 to 4096, or a range such as \"4-32\"")
        };
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let parse = |text: &str| text.trim().parse::<u16>().map_err(|_| complain("not a number of requests"));
        let (min, max) = (parse(low)?, parse(high)?);
        if min == 0 || max > 4096 {
            Err(complain("the number of requests is out of range"))
        } else if min > max {
            Err(complain("the range begins above its end"))
        } else {
            Ok(Self::Between { min, max })
        }
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Between { min, max } if min == max => write!(f, "{min}"),
            Self::Between { min, max } => write!(f, "{min}-{max}"),
        }
    }
}

impl Serialize for Concurrency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(number) => number.to_string().parse(),
            NumberOrText::Text(text) => text.parse(),
        }
        .map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(f64),
    Text(String),
}

/// A number of tokens on the command line, with `k` or `M` for thousands or millions.
///
/// # Errors
/// A complaint if it is no such number.
pub fn parse_count(text: &str) -> Result<u64, Complaint> {
    let complain =
        || Complaint::new("not a count", "write a whole number from 1, or one with k or M such as `200k`");
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (text.get(..at), 1_000),
        Some((at, 'M' | 'm')) => (text.get(..at), 1_000_000),
        _ => (Some(text), 1),
    };
    let number: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(complain)?;
    number.checked_mul(factor).filter(|count| *count > 0).ok_or_else(complain)
}

/// Declares a text type whose form a function checks, with its schema.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $format:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Complaint;

            fn from_str(text: &str) -> Result<Self, Complaint> {
                $check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Complaint;

            fn try_from(text: String) -> Result<Self, Complaint> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "format": $format})
            }
        }
    };
}

checked_text!(
    /// An http or https address of a server, without credentials in it.
    BaseUrl, "base-url", check_server
);
checked_text!(
    /// An http or https address, or nothing.
    Endpoint, "endpoint", check_endpoint
);
checked_text!(
    /// The name of an environment variable.
    VariableName, "variable-name", check_variable
);
checked_text!(
    /// Where the store is: `sqlite`, `sqlite:PATH` or `postgres://…` without a password.
    StoreUrl, "store-url", check_store
);

fn check_server(text: &str) -> Result<(), Complaint> {
    const REMEDY: &str = "write an address such as `http://127.0.0.1:8000/v1`";
    let url = Url::parse(text).map_err(|e| Complaint::new(format!("not an address: {e}"), REMEDY))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Complaint::new("the address begins with neither http:// nor https://", REMEDY));
    }
    no_credentials(&url, "put the key into an environment variable and name that with `api_key_env`")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Complaint::new("the address holds a `?` or `#` part", REMEDY));
    }
    Ok(())
}

fn check_endpoint(text: &str) -> Result<(), Complaint> {
    if text.is_empty() { Ok(()) } else { check_server(text) }
}

fn check_store(text: &str) -> Result<(), Complaint> {
    const REMEDY: &str = "write `sqlite`, `sqlite:PATH` or `postgres://HOST/DATABASE`";
    if text == "sqlite" || text.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) {
        return Ok(());
    }
    let url = Url::parse(text).map_err(|_| Complaint::new("not the place of a store", REMEDY))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(Complaint::new("unknown kind of store", REMEDY));
    }
    if url.password().is_some() {
        return Err(Complaint::new("the address holds a password", "leave it out and set PGPASSWORD"));
    }
    Ok(())
}

fn no_credentials(url: &Url, remedy: &str) -> Result<(), Complaint> {
    if url.username().is_empty() && url.password().is_none() {
        Ok(())
    } else {
        Err(Complaint::new("the address holds credentials", remedy))
    }
}

fn check_variable(text: &str) -> Result<(), Complaint> {
    // A pasted key is the likeliest mistake here, so the text is not quoted.
    if environment::is_variable_name(text) {
        Ok(())
    } else {
        Err(Complaint::new(
            "not the name of an environment variable",
            "write the variable's name, such as \"OPENAI_API_KEY\", never the key itself",
        ))
    }
}

/// Checks a text against a named format of the schema.
///
/// # Errors
/// The format's complaint. Unknown formats accept everything.
pub fn check_format(format: &str, text: &str) -> Result<(), Complaint> {
    match format {
        "base-url" => check_server(text),
        "endpoint" => check_endpoint(text),
        "variable-name" => check_variable(text),
        "store-url" => check_store(text),
        "period" => text.parse::<Period>().map(drop),
        "concurrency" => text.parse::<Concurrency>().map(drop),
        _ => Ok(()),
    }
}

/// Declares the schema of a type that is written as a number or as a text.
macro_rules! number_or_text {
    ($name:ident, $types:tt, $format:literal) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": $types, "format": $format})
            }
        }
    };
}

number_or_text!(Period, ["string", "number"], "period");
number_or_text!(Concurrency, ["string", "integer"], "concurrency");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read() {
        let cases = [("90", 90_000), ("500ms", 500), ("2m", 120_000), ("1h30m", 5_400_000), ("0.5s", 500)];
        for (text, milliseconds) in cases {
            assert_eq!(text.parse::<Period>().unwrap().0.as_millis(), milliseconds, "{text}");
        }
        for text in ["", "5 parsecs", "-3s", "0", "nan", "inf", "1e99", "5x", "s", "1..2s"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn concurrency_is_read_and_printed() {
        for text in ["auto", "8", "4-32"] {
            assert_eq!(text.parse::<Concurrency>().unwrap().to_string(), text);
        }
        for text in ["0", "32-4", "5000", "many", "-3", "1-"] {
            assert!(text.parse::<Concurrency>().is_err(), "{text}");
        }
    }

    #[test]
    fn counts_have_suffixes() {
        assert_eq!(parse_count("200k"), Ok(200_000));
        assert_eq!(parse_count("2M"), Ok(2_000_000));
        for text in ["", "k", "0", "2G", "99999999999999999999", "9999999999999999999k", "1.5M"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }
}
