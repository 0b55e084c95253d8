//! Which rows are measured, and how one is shown: for what criterion's mean of many equal iterations does not fit.

/// The rows that the command line picks, by criterion's own rules as far as they matter here.
pub(crate) struct Rows {
    pattern: String,
    effort: Effort,
}

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Enough for a figure.
    Full,
    /// Each row once, to see that it runs (`cargo test --benches`).
    Once,
}

impl Effort {
    /// `runs`, or one.
    pub(crate) fn runs(self, runs: usize) -> usize {
        if self == Self::Full { runs } else { 1 }
    }
}

impl Rows {
    /// The first argument that is no flag picks the rows whose names hold it. Cargo gives `--bench` to a benchmark that
    /// is to measure, and nothing of the kind to one that is run as a test.
    pub(crate) fn from_args() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let measures = arguments.iter().any(|argument| argument == "--bench")
            && !arguments.iter().any(|argument| argument == "--test");
        let pattern = arguments.into_iter().find(|argument| !argument.starts_with('-'));
        let effort = if measures { Effort::Full } else { Effort::Once };
        Self { pattern: pattern.unwrap_or_default(), effort }
    }

    /// Measures one row and shows it, if it is picked.
    #[expect(clippy::print_stdout, reason = "a benchmark shows its figures")]
    pub(crate) fn row(&self, name: &str, measure: impl FnOnce(Effort) -> Option<String>) {
        if !name.contains(&self.pattern) {
            return;
        }
        if let Some(figures) = measure(self.effort) {
            println!("{name:<40} {figures}");
        }
    }
}
