//! Figures as lines of text.

use std::collections::BTreeMap;

use codeagent_benchmarks::PassAtK;

use crate::failure::Failure;
use crate::output::Output;

/// pass@k by k, each with its interval, in percent.
///
/// # Errors
/// As [`Output::line`].
pub fn pass_at_k(estimates: &BTreeMap<u64, PassAtK>, output: &mut Output) -> Result<(), Failure> {
    for (k, PassAtK { mean, problems, left_out }) in estimates {
        let apart =
            if *left_out > 0 { format!(", {left_out} with fewer samples left out") } else { String::new() };
        output.line(&format!(
            "pass@{k:<4} {:6.2} %  [{:.2}, {:.2}]  over {problems} problems{apart}",
            mean.value * 100.0,
            mean.lo * 100.0,
            mean.hi * 100.0,
        ))?;
    }
    Ok(())
}
