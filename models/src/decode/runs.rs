//! Runs at the end of a sequence: what is followed at once by itself, up to now.

use std::collections::VecDeque;

/// Watches a sequence for runs that reach its end.
///
/// For each period `p` up to a bound it knows for how many symbols back from the end each one equals that `p` before it.
/// That is the Z-array of the reversed sequence. It is kept up to date instead of computed anew, at one comparison per
/// period and symbol, so that a run may be longer than the window in which it was found.
///
/// Source: Dong et al. 2025, *Rethinking Repetition Problems of LLMs in Code Generation*, section 3 (there a suffix array
/// over the whole text at each step).
#[derive(Debug, Clone)]
pub struct EndRuns<S, M = ()> {
    period_max: usize,
    /// The last symbols, the latest one first, each with what its owner wants to know of it.
    recent: VecDeque<(S, M)>,
    /// By period less one.
    matched: Vec<usize>,
    compared: u64,
}

/// A run at the end of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndRun {
    /// Symbols of one copy.
    pub period: usize,
    /// Symbols of the run, an incomplete last copy included.
    pub len: usize,
}

impl EndRun {
    /// Complete copies, counted from the end.
    #[must_use]
    pub const fn copies(self) -> usize {
        match self.len.checked_div(self.period) {
            Some(copies) => copies,
            None => 0,
        }
    }
}

impl<S: Copy + Eq, M: Copy> EndRuns<S, M> {
    /// An empty sequence, in which units of up to `period_max` symbols are found.
    #[must_use]
    pub fn new(period_max: usize) -> Self {
        Self { period_max, recent: VecDeque::new(), matched: vec![0; period_max], compared: 0 }
    }

    /// Takes the next symbol.
    pub fn push(&mut self, symbol: S, mark: M) {
        for ((before, _), matched) in self.recent.iter().zip(&mut self.matched) {
            *matched = if *before == symbol { *matched + 1 } else { 0 };
        }
        self.compared += self.recent.len() as u64;
        self.recent.truncate(self.period_max.saturating_sub(1));
        self.recent.push_front((symbol, mark));
    }

    /// Forgets the sequence.
    pub fn clear(&mut self) {
        self.recent.clear();
        self.matched.fill(0);
    }

    /// The run of the smallest period that is long enough.
    pub fn smallest(&self, is_enough: impl Fn(EndRun) -> bool) -> Option<EndRun> {
        self.runs().find(|run| is_enough(*run))
    }

    /// The runs of all periods that fit, each of at least one copy.
    pub fn runs(&self) -> impl Iterator<Item = EndRun> {
        let periods = (1..).zip(&self.matched).take(self.recent.len());
        periods.map(|(period, matched)| EndRun { period, len: period + matched })
    }

    /// Marks of the run's last copy, in the order of its unit as the run began, and which of them the next symbol would
    /// repeat.
    pub fn unit(&self, run: EndRun) -> (Vec<M>, usize) {
        let phase = run.len.checked_rem(run.period).unwrap_or(0);
        let mut marks: Vec<M> = self.recent.iter().take(run.period).rev().map(|(_, mark)| *mark).collect();
        // The oldest of the last symbols stands where the next one will.
        let turn = phase.min(marks.len());
        marks.rotate_right(turn);
        (marks, phase)
    }

    /// Symbols compared so far: the cost of the search.
    #[must_use]
    pub const fn compared(&self) -> u64 {
        self.compared
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;

    use super::*;

    fn runs(text: &[u8], period_max: usize) -> EndRuns<u8, usize> {
        let mut runs = EndRuns::new(period_max);
        text.iter().zip(0..).for_each(|(symbol, place)| runs.push(*symbol, place));
        runs
    }

    fn copies(text: &str, period: usize) -> usize {
        runs(text.as_bytes(), 16).runs().find(|run| run.period == period).map_or(0, |run| run.copies())
    }

    /// Counts copies of the last `period` symbols by comparing slices.
    fn counted(text: &[u8], period: usize) -> usize {
        let Some(start) = text.len().checked_sub(period) else { return 0 };
        let unit = &text[start..];
        text.rchunks_exact(period).take_while(|copy| *copy == unit).count()
    }

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(copies("xabcabcabc", 3), 3);
        assert_eq!(runs(b"xabcabcabc", 5).smallest(|run| run.copies() >= 2).unwrap().period, 3);
        assert_eq!((copies("baaaa", 1), copies("baaaa", 2)), (4, 2));
        assert!(runs(b"abcd", 4).smallest(|run| run.copies() >= 2).is_none());
    }

    /// T2: 10^5 random strings over three letters; a wrong count of copies, whole or partial, would show.
    #[test]
    fn counts_are_those_of_brute_force() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(20_250_510);
        let mut found = 0;
        for _ in 0..100_000 {
            let text: Vec<u8> = (0..rng.random_range(0..14)).map(|_| rng.random_range(b'a'..=b'c')).collect();
            for run in runs(&text, 6).runs() {
                let expected = counted(&text, run.period);
                assert_eq!(run.copies(), expected, "{:?} {run:?}", String::from_utf8_lossy(&text));
                let start = text.len() - run.len;
                assert!(
                    start == 0 || run.len < run.period || {
                        // The run can't begin earlier.
                        text[start - 1] != text[start - 1 + run.period]
                    }
                );
                found += usize::from(expected >= 2);
            }
        }
        assert!(found > 30_000, "{found}");
    }

    #[test]
    fn a_unit_is_told_in_the_order_of_the_run() {
        let runs = runs(b"xabcabcab", 4);
        let run = runs.smallest(|run| run.copies() >= 2).unwrap();
        assert_eq!(run, EndRun { period: 3, len: 8 });
        // The latest `a`, `b` and `c` are symbols 7, 8 and 6; the next symbol would be `c`.
        assert_eq!(runs.unit(run), (vec![7, 8, 6], 2));
    }

    #[test]
    fn runs_outgrow_the_window_and_cost_stays() {
        let text = b"ab".repeat(5_000);
        let runs = runs(&text, 8);
        assert_eq!(runs.smallest(|run| run.copies() > 4_000).unwrap(), EndRun { period: 2, len: 10_000 });
        assert!(runs.compared() <= 8 * 10_000);
    }

    proptest! {
        #[test]
        fn a_planted_run_is_found(
            head in "[a-c]{0,20}", unit in "[a-c]{1,8}", copies in 2_usize..12, tail in 0_usize..8,
        ) {
            let mut text = head + &unit.repeat(copies);
            text.push_str(&unit[..tail.min(unit.len() - 1)]);
            let runs = runs(text.as_bytes(), 8);
            let run = runs.smallest(|run| run.copies() >= copies).unwrap();
            prop_assert!(run.period <= unit.len());
            prop_assert!(run.len >= copies * run.period);
            let (marks, next) = runs.unit(run);
            let (last, bytes) = (text.len(), text.as_bytes());
            prop_assert_eq!(bytes[marks[next]], bytes[last - run.period]);
        }
    }
}
