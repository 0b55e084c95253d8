//! Refine from a prefix: a program cut after its last right line and written on from there (critical sampling). A critic
//! says where, or, where none is at hand, the model.

use codeagent_prompts::questions::{ContinueProgram, DirectProgram, LastRightLine};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};
use crate::notebook::Candidate;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    count: usize,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    let task = &ports.task;
    let lines = match critics_lines(ports, candidate).await? {
        Some(lines) => lines,
        None => {
            let critique = LastRightLine { task, program: &candidate.written };
            let sampling = std::mem::replace(&mut talk.temperature, 0.0);
            let answered = talk.ask("last_right_line", &critique, 1).await?.pop();
            talk.temperature = sampling;
            let Some(answered) = answered else { return Ok(unusable()) };
            answered.answer
        }
    };
    let prefix = first_lines(&candidate.written, lines);
    if prefix.is_empty() {
        let question = DirectProgram { task };
        return program::write(ports, talk, "direct_program", &question, count, NodeKind::Revision).await;
    }
    let question = ContinueProgram { task, prefix: &prefix };
    program::write(ports, talk, "continue_program", &question, count, NodeKind::Revision).await
}

/// The whole lines before a critic's cut; `None` without a critic.
async fn critics_lines(ports: &Ports, candidate: &Candidate) -> Result<Option<usize>, TrialError> {
    let Some(appraiser) = &ports.appraiser else { return Ok(None) };
    let cut = appraiser.assess(&candidate.source).await?.cut;
    Ok(cut.map(|cut| lines_before(&candidate.source, &candidate.written, cut)))
}

/// The whole lines of what was written that end before a place in the program that it became.
fn lines_before(source: &str, written: &str, cut: usize) -> usize {
    // What was written stands at the end, behind what the problem brings.
    let before = source.len().saturating_sub(written.len());
    let kept = written.as_bytes().get(..cut.saturating_sub(before).min(written.len())).unwrap_or_default();
    kept.iter().filter(|byte| **byte == b'\n').count()
}

/// The first `count` lines of a program, the last line never among them: something must be left to write.
fn first_lines(program: &str, count: usize) -> String {
    let lines: Vec<&str> = program.trim_end().lines().collect();
    let kept = lines.get(..count.min(lines.len().saturating_sub(1))).unwrap_or_default();
    let text = kept.join("\n");
    if text.trim().is_empty() { String::new() } else { text.trim_end().to_owned() + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: usize, expected: &str) {
        assert_eq!(first_lines("def f(x):\n    y = x\n\n    return y\n\n", count), expected);
    }

    #[test]
    fn a_cut_keeps_the_whole_lines_before_it() {
        let (source, written) = ("import m\n\n\na = 1\nb = 2\n", "a = 1\nb = 2\n");
        let lines = |cut| lines_before(source, written, cut);
        assert_eq!([0, 5, 16, 17, 22, 23, 99].map(lines), [0, 0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn something_is_always_left_to_write() {
        check(0, "");
        check(1, "def f(x):\n");
        check(2, "def f(x):\n    y = x\n");
        check(3, "def f(x):\n    y = x\n");
        check(4, "def f(x):\n    y = x\n");
        check(9, "def f(x):\n    y = x\n");
        assert_eq!(first_lines("print(1)\n", 1), "");
        assert_eq!(first_lines("", 3), "");
    }
}
