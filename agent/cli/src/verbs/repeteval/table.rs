//! The table of methods.

use codeagent_benchmarks::repetition::MethodSummary;

use crate::failure::Failure;
use crate::output::Output;

/// One row per method. TR-N and TR-S are those over classes of terminals and over their texts.
pub(super) fn print(summaries: &[MethodSummary], output: &mut Output) -> Result<(), Failure> {
    output.line(&format!(
        "{:<19} {:<19} {:>5}  {:^11}  {:^11}  {:<19} {:>7} {:>6}",
        "method", "EGP", "cut", "TR-N c/t", "TR-S c/t", "CCP", "seconds", "tokens"
    ))?;
    for it in summaries {
        output.line(&format!(
            "{:<19} {:.3} [{:.2}, {:.2}]  {:>5.3}  {:.3}/{:.3}  {:.3}/{:.3}  {:.3} [{:.2}, {:.2}]  {:>7.2} {:>6.0}",
            it.method,
            it.ended.value,
            it.ended.lo,
            it.ended.hi,
            it.cut.value,
            it.grams_terminals.value,
            it.grams_texts.value,
            it.statements_terminals.value,
            it.statements_texts.value,
            it.compiles.value,
            it.compiles.lo,
            it.compiles.hi,
            it.seconds.value,
            it.tokens.value,
        ))?;
    }
    let prompts = summaries.iter().map(|it| it.prompts).max().unwrap_or(0);
    output.line(&format!(
        "over {prompts} prompts, with 95 % intervals; c: classes of terminals, t: their texts"
    ))
}
