//! From what a model wrote to a program that runs.

use crate::modules;
use crate::problem::Problem;

/// The program as it runs: what the model wrote, after the problem's prelude. A bare body, as completion models write
/// it, is put under the problem's starter first.
pub(crate) fn assemble(problem: &Problem, written: &str) -> String {
    let Some(entry) = problem.entry.function() else { return written.to_owned() };
    let top = entry.split('.').next().unwrap_or(entry);
    let completed = format!("{}{}", problem.starter, written);
    let body_only =
        !modules::defines(written, top) && !problem.starter.is_empty() && modules::defines(&completed, top);
    let program = if body_only && modules::parses(&completed) { &completed } else { written };
    with_prelude(&problem.prelude, program)
}

/// Puts the prelude in front. Imports from `__future__` must stay first.
fn with_prelude(prelude: &str, program: &str) -> String {
    if prelude.trim().is_empty() {
        return program.to_owned();
    }
    let is_future = |line: &&str| line.starts_with("from __future__ import");
    let future: String = program.lines().filter(is_future).flat_map(|line| [line, "\n"]).collect();
    if future.is_empty() {
        return format!("{}\n\n{program}", prelude.trim_end());
    }
    let rest: String =
        program.lines().filter(|line| !is_future(line)).flat_map(|line| [line, "\n"]).collect();
    format!("{future}{}\n\n{rest}", prelude.trim_end())
}
