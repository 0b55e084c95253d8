//! T1, T5 and T6 of the specification's section 1.1; the others stand beside the lexer and the detector, and in the
//! crate's own tests.

use proptest::prelude::*;

use super::*;
use crate::decode::{FrequencyPenalty, RepetitionPenalty};

/// A toy model: it writes `elif NAME == NUMBER:`, `pass`, over and over, surer each time, and gives the rest to the end
/// and to `return`.
struct LoopLm {
    vocabulary: Arc<Vocabulary>,
    counts_up: bool,
}

const WORDS: [&str; 12] =
    ["", "if", "elif", " x", " ==", ":", "\n", "    ", "pass", "return", " x\n", "def f(x):\n    "];
const END: u32 = 0;
const NUMBERS: u32 = 28;

impl LoopLm {
    fn new(counts_up: bool) -> Self {
        let numbers = (0..NUMBERS).map(|number| format!(" {}", 10 + number));
        let words = WORDS.iter().map(|word| (*word).to_owned()).chain(numbers);
        let vocabulary = Vocabulary::new(words.map(String::into_bytes), vec![END]);
        Self { vocabulary: Arc::new(vocabulary), counts_up }
    }

    fn token(word: &str) -> u32 {
        WORDS.iter().position(|known| *known == word).unwrap().try_into().unwrap()
    }

    fn number(&self, unit: u32) -> u32 {
        let first = u32::try_from(WORDS.len()).unwrap();
        if self.counts_up { first + unit % NUMBERS } else { first }
    }

    /// The tokens of the next unit.
    fn unit(&self, unit: u32) -> Vec<u32> {
        let word = Self::token;
        let number = self.number(unit);
        vec![
            word("    "),
            word("elif"),
            word(" x"),
            word(" =="),
            number,
            word(":"),
            word("\n"),
            word("    "),
            word("    "),
            word("pass"),
            word("\n"),
        ]
    }

    /// Log-probabilities after `done` complete units, where `next` is the unit's token that the model means to write.
    fn logits(&self, done: u32, next: u32) -> Vec<f32> {
        let mut logits = vec![-30.0; self.vocabulary.len()];
        let sure =
            if next == Self::token("elif") { (0.90 + 0.01 * f64::from(done)).min(0.999) } else { 1.0 - 1e-9 };
        #[expect(clippy::cast_possible_truncation, reason = "logits are single")]
        let log = |p: f64| p.ln() as f32;
        let mut give = |token: u32, p: f64| logits[token as usize] = log(p);
        give(next, sure);
        give(END, (1.0 - sure) * 0.6);
        give(Self::token("return"), (1.0 - sure) * 0.4);
        logits
    }

    /// Decodes greedily, up to 1024 tokens: the text, the units that were begun, and whether it ended by itself.
    fn decode(&self, processor: &mut dyn LogitsProcessor) -> (String, u32, bool) {
        let word = Self::token;
        let prompt = [
            word("def f(x):\n    "),
            word("if"),
            word(" x"),
            word(" =="),
            self.number(0),
            word(":"),
            word("\n"),
            word("    "),
            word("    "),
            word("pass"),
            word("\n"),
        ];
        let mut tokens = prompt.to_vec();
        prompt.iter().for_each(|token| assert_eq!(processor.accept(*token), None));
        let mut done = 0;
        while tokens.len() < prompt.len() + 1024 {
            for next in self.unit(done + 1) {
                let mut logits = self.logits(done, next);
                processor.process(&mut logits);
                let drawn = (0..).zip(&logits).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
                if drawn == END {
                    return (self.text(&tokens), done, true);
                }
                tokens.push(drawn);
                if let Some(cut) = processor.accept(drawn) {
                    tokens.truncate(prompt.len() + cut.keep);
                    return (self.text(&tokens), done, false);
                }
                if drawn != next {
                    // `return x` ends the function, and with it the text.
                    let rest = [word(" x\n")];
                    tokens.extend(rest);
                    return (self.text(&tokens), done, true);
                }
            }
            done += 1;
        }
        (self.text(&tokens), done, false)
    }

    fn text(&self, tokens: &[u32]) -> String {
        let bytes = tokens.iter().flat_map(|token| self.vocabulary.bytes(*token)).copied().collect();
        String::from_utf8(bytes).unwrap()
    }

    fn guard(&self, config: GuardConfig) -> RepetitionGuard {
        RepetitionGuard::new(Arc::clone(&self.vocabulary), Language::Python, config)
    }
}

/// Does nothing.
struct Nothing;

impl LogitsProcessor for Nothing {
    fn process(&mut self, _: &mut [f32]) {}

    fn accept(&mut self, _: u32) -> Option<Cut> {
        None
    }
}

/// Whether a text is whole: complete lines, and each block that was opened has a body.
fn is_whole(text: &str) -> bool {
    let text = text.trim_end_matches(' ');
    text.ends_with('\n') && !text.trim_end().ends_with(':')
}

/// T1: contents and structure.
#[test]
fn the_looping_model_ends() {
    for counts_up in [false, true] {
        let model = LoopLm::new(counts_up);
        let (_, units, ended) = model.decode(&mut Nothing);
        assert!(!ended && units > 90, "{units}");

        let (text, units, ended) = model.decode(&mut model.guard(GuardConfig::default()));
        assert!(ended && units <= 24 && is_whole(&text), "{units}: {text}");
        let config = GuardConfig { end_boost: 0.0, hard_stop: None, ..GuardConfig::default() };
        let (text, units, ended) = model.decode(&mut model.guard(config));
        assert!(ended && units <= 24 && is_whole(&text), "without the boost {units}: {text}");
    }
}

/// T1: counting up repeats no contents, so the hard stop can't be what ends it, and until the sixth copy nothing is done.
#[test]
fn structure_is_punished_from_the_sixth_copy_only() {
    let model = LoopLm::new(true);
    let mut guard = model.guard(GuardConfig::default());
    assert_eq!(guard.accept(LoopLm::token("def f(x):\n    ")), None);
    for done in 0..12 {
        for next in model.unit(done + 1) {
            let before = model.logits(done, next);
            let mut after = before.clone();
            guard.process(&mut after);
            assert!(guard.tokens.smallest(is_content_run).is_none(), "contents in unit {done}");
            let acts = next == LoopLm::token("elif") || (next == LoopLm::token("    "));
            assert!(before == after || (acts && done >= 5), "unit {done}, token {next}");
            assert!(next != LoopLm::token("elif") || done < 7 || before != after, "unit {done}");
            assert_eq!(guard.accept(next), None);
        }
    }
}

/// Where log-probabilities are the logits, the likeliest are near 0, and dividing changes little.
#[test]
fn plain_penalties_end_it_late_or_never() {
    let model = LoopLm::new(true);
    let (_, units, ended) = model.decode(&mut FrequencyPenalty::default());
    assert!(ended && units > 24, "{units}");
    let (_, _, ended) = model.decode(&mut RepetitionPenalty::default());
    assert!(!ended);
}

#[test]
fn a_hard_stop_keeps_the_first_copy() {
    let model = LoopLm::new(false);
    let config = GuardConfig {
        penalty: Penalty::Nats { gamma: 0.0, cap: 0.0 },
        end_boost: 0.0,
        ..GuardConfig::default()
    };
    let (text, units, ended) = model.decode(&mut model.guard(config));
    let unit = "x == 10:\n        pass\n";
    assert!(!ended && units >= 30, "{units}");
    assert_eq!(text, format!("def f(x):\n    if {unit}    elif {unit}    "));
}

#[test]
fn a_fork_goes_its_own_way() {
    let model = LoopLm::new(false);
    let mut guard = model.guard(GuardConfig::default());
    for unit in 0..8 {
        model.unit(unit).into_iter().for_each(|token| assert_eq!(guard.accept(token), None));
    }
    assert_eq!(guard.accept(LoopLm::token("    ")), None);
    let edited = |guard: &mut RepetitionGuard| {
        let mut logits = vec![0.0; model.vocabulary.len()];
        guard.process(&mut logits);
        logits
    };
    let mut fork = guard.clone();
    assert_eq!(fork.accept(LoopLm::token("return")), None);
    assert!(edited(&mut fork).iter().all(|logit| *logit == 0.0));
    assert!(edited(&mut guard)[LoopLm::token("elif") as usize] < -1.0);
}

/// T6: the same for each token, whatever came before.
#[test]
fn work_per_token_does_not_grow() {
    let model = LoopLm::new(true);
    let mut guard = model.guard(GuardConfig::default());
    let tokens: Vec<u32> = (0..1_600).flat_map(|unit| model.unit(unit)).collect();
    let mut logits = vec![0.0; model.vocabulary.len()];
    let mut work_of = |tokens: &[u32]| {
        let before = guard.work();
        for token in tokens {
            guard.process(&mut logits);
            guard.accept(*token);
        }
        guard.work() - before
    };
    work_of(&tokens[..1_024]);
    let early = work_of(&tokens[1_024..2_048]);
    work_of(&tokens[2_048..16_384]);
    let late = work_of(&tokens[16_384..17_408]);
    assert!(late * 2 <= early * 3, "{early} {late}");
    assert!(late < 1_024 * 400, "{late}");
}

proptest! {
    /// T5: where all logits are negative a punished token never rises among the others that can be drawn.
    #[test]
    fn a_punished_token_never_rises(
        units in 2_u32..12,
        counts_up: bool,
        logits in prop::collection::vec(-30.0_f32..-0.001, 40),
        scale: bool,
    ) {
        let model = LoopLm::new(counts_up);
        let penalty = if scale { Penalty::LogitScale { lambda: 0.9 } } else { Penalty::default() };
        let mut guard = model.guard(GuardConfig { penalty, ..GuardConfig::default() });
        for unit in 0..units {
            model.unit(unit).into_iter().for_each(|token| assert_eq!(guard.accept(token), None));
        }
        guard.accept(LoopLm::token("    "));
        let mut after = logits.clone();
        guard.process(&mut after);
        let elif = LoopLm::token("elif") as usize;
        let rank = |logits: &[f32]| logits.iter().filter(|logit| **logit > logits[elif]).count();
        prop_assert!(rank(&after) >= rank(&logits));
        prop_assert!(after[elif] <= logits[elif]);
    }

    #[test]
    fn any_tokens_are_survived(tokens in prop::collection::vec(0_u32..45, 0..400)) {
        let model = LoopLm::new(false);
        let mut guard = model.guard(GuardConfig::default());
        let mut logits = vec![0.0; 30];
        let mut drawn = 0;
        for token in tokens {
            guard.process(&mut logits);
            drawn += 1;
            if let Some(cut) = guard.accept(token) {
                prop_assert!(cut.keep <= drawn);
            }
        }
    }
}
