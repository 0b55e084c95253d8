//! Speculative decoding of a row that is drawn alone: what may come next is read along with its last token, so that one
//! pass of the model can draw several tokens.

use std::sync::Arc;
use std::time::Duration;

use candle_core::Result;

use super::decoder::Decoder;
use super::draft::{Draft, Proposal};
use super::drafter::Drafter;
use super::load::LocalModel;
use super::pace::Pace;
use super::recycling::{Recycled, Template};
use super::row::Row;

/// Whether a row that is drawn alone is guessed ahead by what the model found likely before. Its text is the same either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Speculation {
    /// Where it is measured to be faster, which is tried again from time to time.
    Auto,
    /// At every step.
    Always,
    /// Never.
    #[default]
    Off,
}

/// Guesses what comes next.
#[derive(Debug)]
pub(crate) enum Guesser {
    /// By what was likely before.
    Recycling {
        recycled: Recycled,
        template: Template,
        /// `None` guesses at every step.
        pace: Option<Pace>,
    },
    /// By a smaller model.
    Model(Drafter),
}

impl Guesser {
    /// Guesses with a smaller model where there is one; `None` where nothing is to be guessed.
    ///
    /// # Errors
    /// Those of the device.
    pub(crate) fn new(
        speculation: Speculation,
        decoder: &Decoder,
        draft: Option<Arc<LocalModel>>,
    ) -> Result<Option<Self>> {
        let vocab = decoder.config().vocab;
        if let Some(model) = draft {
            return Ok(Some(Self::Model(Drafter::new(model, vocab)?)));
        }
        let pace = match speculation {
            Speculation::Off => return Ok(None),
            Speculation::Always => None,
            Speculation::Auto => Some(Pace::new()),
        };
        let template = if decoder.device().is_cpu() { Template::small() } else { Template::large() };
        Ok(Some(Self::Recycling { recycled: Recycled::new(vocab), template, pace }))
    }

    /// Learns that rows are about to be drawn behind a prompt.
    pub(crate) fn expect(&mut self, prompt: &[u32]) {
        if let Self::Recycling { recycled, .. } = self {
            recycled.read(prompt);
        }
    }

    /// What to read behind a prompt and what a row has drawn.
    pub(crate) fn propose(&mut self, prompt: &[u32], row: &mut Row) -> Result<Proposal> {
        match self {
            Self::Recycling { recycled, template, pace } => {
                let guesses = pace.as_ref().is_none_or(Pace::guesses);
                let depth_max = if guesses { row.left().saturating_sub(1) } else { 0 };
                let Some(last) = row.last().or_else(|| prompt.last().copied()) else {
                    candle_core::bail!("there is no text to go on with");
                };
                let draft = recycled.draft(template, last, depth_max);
                Ok(Proposal { draft, shares: Vec::new() })
            }
            Self::Model(drafter) => drafter.propose(&[prompt, row.drawn()].concat(), row),
        }
    }

    /// Learns the logits at each node of a draft. Of equal tokens the one nearest to the root counts, the first of these.
    pub(crate) fn learn(&mut self, draft: &Draft, logits: &[Vec<f32>]) {
        if let Self::Recycling { recycled, .. } = self {
            for (token, logits) in draft.tokens().iter().zip(logits).rev() {
                recycled.learn(*token, logits);
            }
        }
    }

    /// Learns what a step took that drew so many tokens.
    pub(crate) fn record(&mut self, spent: Duration, tokens: usize) {
        if let Self::Recycling { pace: Some(pace), .. } = self {
            pace.record(spent, u32::try_from(tokens).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::cache::Suffix;
    use crate::local::load::{LoadOptions, LocalModel};
    use crate::local::pass::{Mask, Pass};
    use crate::local::{DeviceChoice, fixture};

    const TEXT: [u32; 6] = [3, 1, 4, 1, 5, 9];

    fn decoder() -> LocalModel {
        let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        LocalModel::from_bytes(fixture::model(&fixture::config(), 7), &load).unwrap()
    }

    fn suffix(decoder: &Decoder) -> Suffix {
        Suffix::new(decoder.config(), 1, 32, decoder.device()).unwrap()
    }

    /// Reads tokens one behind the other and gives the logits at each.
    fn read(decoder: &Decoder, tokens: &[u32], suffix: &mut Suffix) -> Vec<Vec<f32>> {
        let first = suffix.len();
        let positions: Vec<u32> = (0..tokens.len()).map(|at| u32::try_from(first + at).unwrap()).collect();
        let pass = Pass { tokens, positions: &positions, rows: 1, shared: &[], mask: Mask::Causal };
        let hidden = decoder.forward(pass, suffix).unwrap();
        decoder.logits(&hidden).unwrap().to_vec2().unwrap()
    }

    /// Reads a tree behind what was read.
    fn guess(decoder: &Decoder, draft: &Draft, suffix: &mut Suffix) -> Vec<Vec<f32>> {
        let (tokens, positions) = (draft.tokens(), draft.positions(suffix.len()));
        let mask = draft.mask(0, suffix.len());
        let mask = Mask::Explicit(&mask);
        let pass = Pass { tokens: &tokens, positions: &positions, rows: 1, shared: &[], mask };
        let hidden = decoder.forward(pass, suffix).unwrap();
        decoder.logits(&hidden).unwrap().to_vec2().unwrap()
    }

    /// 2 → (6 → 5, 3), and 7 → 9; with the path to each node.
    fn tree(last: u32) -> (Draft, Vec<Vec<u32>>) {
        let mut draft = Draft::new(2);
        let six = draft.push(Draft::ROOT, 6);
        let seven = draft.push(Draft::ROOT, 7);
        draft.push(six, 5);
        draft.push(six, 3);
        draft.push(seven, last);
        let paths = [&[2][..], &[2, 6], &[2, 7], &[2, 6, 5], &[2, 6, 3], &[2, 7, last]];
        (draft, paths.map(<[u32]>::to_vec).to_vec())
    }

    fn difference(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_tree_is_read_as_each_of_its_paths_would_be() {
        let LocalModel { decoder, .. } = decoder();
        let mut cache = suffix(&decoder);
        read(&decoder, &TEXT, &mut cache);
        let (draft, paths) = tree(9);
        let at_once = guess(&decoder, &draft, &mut cache);
        for (node, path) in paths.iter().enumerate() {
            let mut alone = suffix(&decoder);
            read(&decoder, &TEXT, &mut alone);
            let expected = read(&decoder, path, &mut alone);
            let difference = difference(&at_once[node], expected.last().unwrap());
            assert!(difference < 1e-5, "node {node}: {difference}");
        }
        // The last one has sisters that do not see it.
        let mut cache = suffix(&decoder);
        read(&decoder, &TEXT, &mut cache);
        let other = guess(&decoder, &tree(11).0, &mut cache);
        assert_eq!(other[..5], at_once[..5]);
        assert_ne!(other[5], at_once[5]);
    }

    #[test]
    fn what_is_kept_of_a_tree_is_what_its_path_would_have_left() {
        let LocalModel { decoder, .. } = decoder();
        for path in [&[0][..], &[0, 2, 5], &[0, 1, 4]] {
            let mut kept = suffix(&decoder);
            read(&decoder, &TEXT, &mut kept);
            let (draft, _) = tree(9);
            guess(&decoder, &draft, &mut kept);
            kept.keep(TEXT.len(), path).unwrap();
            let mut fresh = suffix(&decoder);
            let tokens = draft.tokens();
            read(&decoder, &TEXT, &mut fresh);
            read(&decoder, &path.iter().map(|node| tokens[*node]).collect::<Vec<_>>(), &mut fresh);
            assert_eq!(kept.len(), fresh.len());
            let (kept, fresh) = (kept.segment(0, 0).unwrap(), fresh.segment(0, 0).unwrap());
            for layer in 0..decoder.config().layers {
                let (kept, fresh) = (kept.layer(layer).unwrap(), fresh.layer(layer).unwrap());
                for (kept, fresh) in [(&kept.keys, &fresh.keys), (&kept.values, &fresh.values)] {
                    let difference = (kept - fresh).unwrap().abs().unwrap().max_all().unwrap();
                    assert!(difference.to_scalar::<f32>().unwrap() < 1e-5);
                }
            }
        }
        let mut cache = suffix(&decoder);
        read(&decoder, &TEXT, &mut cache);
        assert!(cache.keep(4, &[0, 2]).is_err(), "a column that was not read");
    }
}
