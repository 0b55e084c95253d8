//! What the answers of one decoding method come to, with intervals over prompts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AnswerEnd, Measured};
use crate::bootstrap::{Mean, mean};

/// What the answers of one method come to. A prompt counts once, by the mean over its samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodSummary {
    /// Name of the method.
    pub method: String,
    /// Prompts with an answer.
    pub prompts: usize,
    /// Answers.
    pub answers: usize,
    /// EGP: the share of answers that the model ended.
    pub ended: Mean,
    /// The share of answers that were cut for repetition.
    pub cut: Mean,
    /// TR-N over classes of terminals.
    pub grams_terminals: Mean,
    /// TR-N over texts of terminals.
    pub grams_texts: Mean,
    /// TR-S over classes of terminals.
    pub statements_terminals: Mean,
    /// TR-S over texts of terminals.
    pub statements_texts: Mean,
    /// CCP: the share of answers that compile behind their prompts.
    pub compiles: Mean,
    /// Seconds per answer.
    pub seconds: Mean,
    /// Tokens drawn per answer.
    pub tokens: Mean,
}

/// The summary of a method's answers, each with the id of its prompt. `None` of no answers.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "tokens of an answer")]
pub fn summarise<'m>(
    method: &str,
    answers: impl IntoIterator<Item = (&'m str, &'m Measured)>,
) -> Option<MethodSummary> {
    let mut by_prompt: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
    for (id, answer) in answers {
        by_prompt.entry(id).or_default().push(answer);
    }
    let of = |value: fn(&Measured) -> f64| {
        let each = by_prompt
            .values()
            .map(|answers| answers.iter().map(|answer| value(answer)).sum::<f64>() / answers.len() as f64);
        mean(&each.collect::<Vec<f64>>())
    };
    Some(MethodSummary {
        method: method.to_owned(),
        prompts: by_prompt.len(),
        answers: by_prompt.values().map(Vec::len).sum(),
        ended: of(|answer| share(answer.end == AnswerEnd::Ended))?,
        cut: of(|answer| share(answer.end == AnswerEnd::Cut))?,
        grams_terminals: of(|answer| answer.terminals.grams)?,
        grams_texts: of(|answer| answer.texts.grams)?,
        statements_terminals: of(|answer| answer.terminals.statements)?,
        statements_texts: of(|answer| answer.texts.statements)?,
        compiles: of(|answer| share(answer.compiles))?,
        seconds: of(|answer| answer.ms / 1e3)?,
        tokens: of(|answer| answer.tokens as f64)?,
    })
}

fn share(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::super::Repeated;
    use super::*;

    fn answer(end: AnswerEnd, tokens: u64, compiles: bool) -> Measured {
        let repeated = |grams| Repeated { grams, statements: grams / 2.0 };
        Measured { end, tokens, ms: 500.0, compiles, terminals: repeated(0.75), texts: repeated(0.25) }
    }

    #[test]
    fn a_prompt_counts_once() {
        let (ended, cut) = (answer(AnswerEnd::Ended, 10, true), answer(AnswerEnd::Cut, 30, false));
        let rows = [("a", &ended), ("a", &ended), ("a", &ended), ("b", &cut), ("c", &ended), ("c", &cut)];
        let summary = summarise("guard", rows).unwrap();
        assert_eq!((summary.prompts, summary.answers), (3, 6));
        let values = [summary.ended, summary.cut, summary.compiles, summary.tokens].map(|mean| mean.value);
        assert_eq!(values, [0.5, 0.5, 0.5, 20.0]);
        assert_eq!((summary.grams_terminals.value, summary.grams_texts.value), (0.75, 0.25));
        assert!((summary.statements_terminals.value - 0.375).abs() < 1e-12 && summary.seconds.value == 0.5);
        assert!(summary.ended.lo < 0.5 && summary.ended.hi > 0.5);
        assert_eq!(summarise("none", []), None);
    }
}
