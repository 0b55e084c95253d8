//! Penalties that know no grammar, to compare with.

use std::collections::BTreeMap;

use super::{Cut, LogitsProcessor};

/// Makes every token less likely that was there before.
///
/// Source: Keskar et al. 2019, *CTRL*, section 4.1; aware of the sign, as its users came to write it.
#[derive(Debug, Clone)]
pub struct RepetitionPenalty {
    theta: f32,
    counts: Counts,
}

impl RepetitionPenalty {
    /// A penalty that divides positive logits by `theta`, more than 1, and multiplies negative ones with it.
    #[must_use]
    pub fn new(theta: f32) -> Self {
        Self { theta, counts: Counts::default() }
    }
}

impl Default for RepetitionPenalty {
    /// With 1.2, as in the source.
    fn default() -> Self {
        Self::new(1.2)
    }
}

impl LogitsProcessor for RepetitionPenalty {
    fn process(&mut self, logits: &mut [f32]) {
        let theta = self.theta;
        self.counts.edit(logits, |logit, _| if logit > 0.0 { logit / theta } else { logit * theta });
    }

    fn accept(&mut self, token: u32) -> Option<Cut> {
        self.counts.add(token)
    }
}

/// Makes every token less likely by how often it was there before.
///
/// Source: `frequency_penalty` of `OpenAI`'s completions. Unlike there, tokens of the prompt count, too.
#[derive(Debug, Clone)]
pub struct FrequencyPenalty {
    nats: f32,
    counts: Counts,
}

impl FrequencyPenalty {
    /// A penalty of so many nats per occurrence.
    #[must_use]
    pub fn new(nats: f32) -> Self {
        Self { nats, counts: Counts::default() }
    }
}

impl Default for FrequencyPenalty {
    /// With 0.2 nats.
    fn default() -> Self {
        Self::new(0.2)
    }
}

impl LogitsProcessor for FrequencyPenalty {
    fn process(&mut self, logits: &mut [f32]) {
        let nats = self.nats;
        self.counts.edit(logits, |logit, count| logit - nats * count);
    }

    fn accept(&mut self, token: u32) -> Option<Cut> {
        self.counts.add(token)
    }
}

/// How often each token was there.
#[derive(Debug, Clone, Default)]
struct Counts(BTreeMap<u32, f32>);

impl Counts {
    fn add(&mut self, token: u32) -> Option<Cut> {
        *self.0.entry(token).or_default() += 1.0;
        None
    }

    fn edit(&self, logits: &mut [f32], edited: impl Fn(f32, f32) -> f32) {
        for (token, count) in &self.0 {
            if let Some(logit) = usize::try_from(*token).ok().and_then(|token| logits.get_mut(token)) {
                *logit = edited(*logit, *count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(mut processor: impl LogitsProcessor) -> Vec<f32> {
        let mut logits = vec![2.0, -2.0, 1.0];
        for token in [0, 1, 1, 7] {
            assert_eq!(processor.accept(token), None);
        }
        processor.process(&mut logits);
        logits
    }

    #[test]
    fn tokens_that_were_there_fall() {
        assert_eq!(edited(RepetitionPenalty::new(2.0)), [1.0, -4.0, 1.0]);
        assert_eq!(edited(FrequencyPenalty::new(0.5)), [1.5, -3.0, 1.0]);
    }
}
