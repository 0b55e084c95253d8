//! One answer while it is drawn.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::drawn::{DrawnTree, Place};
use super::request::{Answer, End, Generate, RowStart};
use super::sample::{Drawn, Guesses, Sampling, Spread, draw};
use crate::decode::{LogitsProcessor, Vocabulary};

/// An answer while it is drawn: the state of its generator, its processors, and what there is of it.
pub(crate) struct Row {
    random: ChaCha8Rng,
    processors: Vec<Box<dyn LogitsProcessor>>,
    sampling: Sampling,
    tokens_max: usize,
    stop: Vec<Vec<u8>>,
    /// Earlier answers, and where in their tree the row is as long as it is in it.
    without: Option<Arc<DrawnTree>>,
    place: Option<Place>,
    answer: Answer,
}

impl Row {
    /// The row of a request's `index`-th seed, for an answer of at most `tokens_max` tokens.
    pub(crate) fn new(request: &Generate, index: usize, tokens_max: usize) -> Self {
        let start = RowStart { prompt: &request.prompt, row: index };
        let mut processors: Vec<_> = request.processors.iter().map(|factory| factory(&start)).collect();
        for processor in &mut processors {
            for token in &request.prompt {
                // A prompt is as it is.
                let _ = processor.accept(*token);
            }
        }
        let stop = request.stop.iter().filter(|text| !text.is_empty()).map(|text| text.clone().into_bytes());
        Self {
            random: ChaCha8Rng::seed_from_u64(request.seeds.get(index).copied().unwrap_or(0)),
            processors,
            sampling: request.sampling,
            tokens_max,
            stop: stop.collect(),
            without: request.without.clone(),
            place: Some(DrawnTree::ROOT),
            answer: Answer {
                text: Vec::new(),
                tokens: Vec::new(),
                logprobs: Vec::new(),
                shares: Vec::new(),
                drawn: 0,
                end: End::Length,
            },
        }
    }

    /// Draws the next token, which may have been guessed. `Some` is the finished answer.
    pub(crate) fn step(
        &mut self,
        logits: &mut [f32],
        vocabulary: &Vocabulary,
        guesses: Option<Guesses<'_>>,
    ) -> Option<Answer> {
        let own = (!self.processors.is_empty()).then(|| logits.to_vec());
        self.processors.iter_mut().for_each(|processor| processor.process(logits));
        let place = self.without.as_ref().zip(self.place);
        let used = place.iter().flat_map(|(tree, place)| tree.used(*place));
        let Some(Drawn { token, share }) = draw(logits, &self.sampling, &mut self.random, used, guesses)
        else {
            return Some(self.finish(End::Nothing));
        };
        if let Some(tree) = &self.without {
            self.place = self.place.and_then(|place| tree.behind(place, token));
            self.answer.shares.push((token, share));
        }
        let own = own.as_deref().unwrap_or(logits);
        self.answer.logprobs.push(Spread::of(own).log_probability(own, token));
        self.answer.tokens.push(token);
        self.answer.drawn += 1;
        if vocabulary.is_end(token) {
            return Some(self.finish(End::Token));
        }
        let mut cut = None;
        for processor in &mut self.processors {
            cut = cut.or(processor.accept(token));
        }
        if let Some(cut) = cut {
            return Some(self.cut(cut.keep, vocabulary));
        }
        let known = self.answer.text.len();
        self.answer.text.extend_from_slice(vocabulary.bytes(token));
        if let Some(end) = self.stop_text(known) {
            self.answer.text.truncate(end);
            return Some(self.finish(End::Stop));
        }
        (self.answer.tokens.len() >= self.tokens_max).then(|| self.finish(End::Length))
    }

    /// How its tokens are drawn, and with what.
    pub(crate) const fn chance(&mut self) -> (&Sampling, &mut ChaCha8Rng) {
        (&self.sampling, &mut self.random)
    }

    /// The tokens that were drawn.
    pub(crate) fn drawn(&self) -> &[u32] {
        &self.answer.tokens
    }

    /// The token that was drawn last.
    pub(crate) fn last(&self) -> Option<u32> {
        self.answer.tokens.last().copied()
    }

    /// Most tokens that may still be drawn.
    pub(crate) const fn left(&self) -> usize {
        self.tokens_max - self.answer.tokens.len()
    }

    /// Where the first stop text begins, if one ends behind the first `known` bytes.
    fn stop_text(&self, known: usize) -> Option<usize> {
        let begins = self.stop.iter().filter_map(|stop| {
            let from = (known + 1).saturating_sub(stop.len());
            let new = self.answer.text.get(from..)?;
            new.windows(stop.len()).position(|window| window == stop.as_slice()).map(|at| from + at)
        });
        begins.min()
    }

    fn cut(&mut self, keep: usize, vocabulary: &Vocabulary) -> Answer {
        self.answer.tokens.truncate(keep);
        self.answer.logprobs.truncate(keep);
        self.answer.text =
            self.answer.tokens.iter().flat_map(|token| vocabulary.bytes(*token)).copied().collect();
        self.finish(End::Cut)
    }

    fn finish(&mut self, end: End) -> Answer {
        self.answer.end = end;
        self.answer.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Cut;

    fn vocabulary() -> Vocabulary {
        Vocabulary::new((b'a'..=b'z').map(|letter| vec![letter]).chain([Vec::new()]), vec![26])
    }

    fn request(stop: &[&str]) -> Generate {
        Generate {
            prompt: vec![3, 4],
            seeds: vec![1],
            sampling: Sampling { temperature: 0.0, top_p: None, min_p: None },
            tokens_max: 8,
            stop: stop.iter().map(|text| (*text).to_owned()).collect(),
            processors: Vec::new(),
            without: None,
        }
    }

    /// Has the model draw the letters of a text, then its end.
    fn drawn(request: &Generate, text: &str) -> Answer {
        let mut row = Row::new(request, 0, request.tokens_max);
        for letter in text.bytes().map(|letter| usize::from(letter - b'a')).chain([26]) {
            let mut logits = vec![0.0; 27];
            logits[letter] = 5.0;
            if let Some(answer) = row.step(&mut logits, &vocabulary(), None) {
                return answer;
            }
        }
        panic!("the row did not end");
    }

    #[test]
    fn a_row_ends_by_its_token_its_length_or_a_stop_text() {
        let end = |stop: &[&str], text| {
            let answer = drawn(&request(stop), text);
            (String::from_utf8(answer.text).unwrap(), answer.tokens.len(), answer.end)
        };
        assert_eq!(end(&[], "abc"), ("abc".into(), 4, End::Token));
        assert_eq!(end(&[], "abcdefghij"), ("abcdefgh".into(), 8, End::Length));
        assert_eq!(end(&["cd", "", "bcd"], "abcde"), ("a".into(), 4, End::Stop));
    }

    struct CutAt(u32, usize);

    impl LogitsProcessor for CutAt {
        fn process(&mut self, logits: &mut [f32]) {
            logits[1] = f32::NEG_INFINITY;
        }

        fn accept(&mut self, token: u32) -> Option<Cut> {
            self.1 += 1;
            (token == self.0).then_some(Cut { keep: 2 })
        }
    }

    #[test]
    fn a_row_without_a_finite_logit_ends_and_says_so() {
        let request = request(&[]);
        let mut row = Row::new(&request, 0, request.tokens_max);
        let answer = row.step(&mut [f32::NAN; 27], &vocabulary(), None).unwrap();
        assert_eq!((answer.drawn, answer.end), (0, End::Nothing));
    }

    #[test]
    fn processors_edit_logits_and_cut_the_row() {
        let mut request = request(&[]);
        request.processors.push(Arc::new(|start: &RowStart<'_>| {
            assert_eq!(start.prompt, [3, 4]);
            Box::new(CutAt(25, 0)) as Box<dyn LogitsProcessor>
        }));
        // `b` is banned, and the first of the others is taken in its place.
        let answer = drawn(&request, "cbxz");
        assert_eq!((answer.text.as_slice(), answer.drawn, answer.end), (&b"ca"[..], 4, End::Cut));
        // The log-probability is that of the model, which had preferred `b`.
        assert!(answer.logprobs[1] < -5.0);
    }
}
