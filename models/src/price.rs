//! What replies cost: prices, exact money, and the estimates that budgets reserve with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::provider::{Request, Usage};

/// Tokens that chat templates put around each message, at most.
const TOKENS_PER_MESSAGE: u64 = 8;

/// Prices of one model in USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PriceFields", into = "PriceFields")]
pub struct Price {
    // Micro-USD per million tokens: integers, so that sums are exact.
    input: u64,
    cached_input: u64,
    output: u64,
}

/// A price that can be none.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("price {field} = {value} is not between 0 and 1000000 USD per million tokens")]
pub struct PriceError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: f64,
}

impl Price {
    /// Nothing for anything: a model in this process.
    pub const FREE: Self = Self { input: 0, cached_input: 0, output: 0 };

    /// Prices in USD per million tokens; cached input costs as much as other input where `cached_input` is `None`.
    ///
    /// # Errors
    /// [`PriceError`] names the field that is negative, not finite or absurdly large.
    pub fn new(input: f64, cached_input: Option<f64>, output: f64) -> Result<Self, PriceError> {
        Ok(Self {
            input: micro("input", input)?,
            cached_input: micro("cached_input", cached_input.unwrap_or(input))?,
            output: micro("output", output)?,
        })
    }

    /// What a usage costs, in micro-USD, rounded up.
    #[must_use]
    pub fn cost_micro_usd(&self, usage: &Usage) -> u64 {
        let cached = usage.cached.min(usage.input);
        let total = product(usage.input - cached, self.input)
            + product(cached, self.cached_input)
            + product(usage.output, self.output);
        u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// The most that a request can cost, in micro-USD: see [`worst_case`].
    #[must_use]
    pub fn worst_case_micro_usd(&self, request: &Request) -> u64 {
        let (input, output) = worst_case(request);
        // A price list may charge more for cached tokens than for others; the worst case takes the dearer.
        let dearest = Self { input: self.input.max(self.cached_input), ..*self };
        dearest.cost_micro_usd(&Usage { input, output, ..Usage::default() })
    }
}

fn product(tokens: u64, price: u64) -> u128 {
    u128::from(tokens) * u128::from(price)
}

fn micro(field: &'static str, value: f64) -> Result<u64, PriceError> {
    if !(0.0..=1e6).contains(&value) {
        return Err(PriceError { field, value });
    }
    Ok((value * 1e6).round() as u64)
}

/// The form in configuration files.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFields {
    input: f64,
    cached_input: Option<f64>,
    output: f64,
}

impl TryFrom<PriceFields> for Price {
    type Error = PriceError;

    fn try_from(fields: PriceFields) -> Result<Self, PriceError> {
        Self::new(fields.input, fields.cached_input, fields.output)
    }
}

impl From<Price> for PriceFields {
    fn from(price: Price) -> Self {
        let usd = |micro: u64| micro as f64 / 1e6;
        Self {
            input: usd(price.input),
            cached_input: Some(usd(price.cached_input)),
            output: usd(price.output),
        }
    }
}

/// Prices by model name, as in the configuration's `[price]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriceTable(BTreeMap<String, Price>);

impl PriceTable {
    /// A model's price. `None` where nobody said it: an error for callers who guard a money cap.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<Price> {
        self.0.get(model).copied()
    }
}

impl PriceTable {
    /// The same with one more price.
    #[must_use]
    pub fn with(mut self, model: impl Into<String>, price: Price) -> Self {
        self.0.insert(model.into(), price);
        self
    }
}

impl FromIterator<(String, Price)> for PriceTable {
    fn from_iter<I: IntoIterator<Item = (String, Price)>>(prices: I) -> Self {
        Self(prices.into_iter().collect())
    }
}

/// Tokens of a text, estimated high: English and code have about four ASCII characters per token, and this
/// counts three; other characters count one token less than they have bytes.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let (mut ascii, mut other) = (0_u64, 0_u64);
    for c in text.chars() {
        if c.is_ascii() { ascii += 1 } else { other += c.len_utf8() as u64 - 1 }
    }
    ascii.div_ceil(3) + other
}

/// The most input and output tokens that a request can use.
///
/// Input counts once per answer: a server without `n` is asked once for each. Output is the limit, in full.
#[must_use]
pub fn worst_case(request: &Request) -> (u64, u64) {
    let answers = u64::from(request.n.max(1));
    (prompt_tokens(request) * answers, u64::from(request.max_output_tokens) * answers)
}

/// Estimated tokens of a request's prompt, sent once.
pub(crate) fn prompt_tokens(request: &Request) -> u64 {
    request.messages.iter().map(|m| estimate_tokens(&m.content) + TOKENS_PER_MESSAGE).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::question;

    fn usage(input: u64, cached: u64, output: u64) -> Usage {
        Usage { input, cached, output, ..Usage::default() }
    }

    #[test]
    fn costs_are_exact_and_rounded_up() {
        let price = Price::new(0.2, Some(0.02), 0.8).unwrap();
        assert_eq!(price.cost_micro_usd(&usage(1_000_000, 0, 0)), 200_000);
        assert_eq!(price.cost_micro_usd(&usage(5, 0, 0)), 1);
        assert_eq!(price.cost_micro_usd(&usage(6, 0, 0)), 2);
        assert_eq!(price.cost_micro_usd(&usage(1_000, 1_000, 10)), 28);
        // 30 x 0.1 is just above 3 in binary floating point.
        assert_eq!(Price::new(0.1, None, 0.0).unwrap().cost_micro_usd(&usage(30, 0, 0)), 3);
    }

    #[test]
    fn absurd_usage_neither_overflows_nor_underflows() {
        let price = Price::new(1e6, None, 1e6).unwrap();
        assert_eq!(price.cost_micro_usd(&usage(u64::MAX, 0, u64::MAX)), u64::MAX);
        assert_eq!(Price::new(1.0, Some(0.0), 1.0).unwrap().cost_micro_usd(&usage(1, 9, 0)), 0);
    }

    #[test]
    fn bad_prices_are_named() {
        for bad in [-0.1, f64::NAN, f64::INFINITY, 1e7] {
            assert_eq!(Price::new(1.0, None, bad).unwrap_err().field, "output");
        }
        let error = serde_json::from_str::<PriceTable>(r#"{"m":{"input":-1,"output":1}}"#).unwrap_err();
        assert!(error.to_string().contains("price input = -1"), "{error}");
    }

    #[test]
    fn unknown_models_have_no_price() {
        let table: PriceTable =
            serde_json::from_str(r#"{"m":{"input":0.2,"cached_input":0.02,"output":0.8}}"#).unwrap();
        assert_eq!(table.price("m"), Some(Price::new(0.2, Some(0.02), 0.8).unwrap()));
        assert_eq!(table.price("other"), None);
    }

    #[test]
    fn worst_case_counts_every_answer() {
        let request = Request { n: 3, max_output_tokens: 100, ..question("abcdef") };
        assert_eq!(worst_case(&request), ((2 + TOKENS_PER_MESSAGE) * 3, 300));
        assert_eq!(estimate_tokens("日本"), 4);
        assert_eq!(estimate_tokens(""), 0);
    }
}
