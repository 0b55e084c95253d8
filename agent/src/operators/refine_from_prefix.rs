//! Refine from a prefix: a program cut after its last right line and written on from there (critical sampling).

use codeagent_prompts::questions::{ContinueProgram, DirectProgram, LastRightLine};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    count: usize,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    let task = &ports.task;
    let critique = LastRightLine { task, program: &candidate.written };
    let sampling = std::mem::replace(&mut talk.temperature, 0.0);
    let answered = talk.ask("last_right_line", &critique, 1).await?.pop();
    talk.temperature = sampling;
    let Some(lines) = answered.map(|answered| answered.answer) else { return Ok(unusable()) };
    let prefix = first_lines(&candidate.written, lines);
    if prefix.is_empty() {
        let question = DirectProgram { task };
        return program::write(ports, talk, "direct_program", &question, count, NodeKind::Revision).await;
    }
    let question = ContinueProgram { task, prefix: &prefix };
    program::write(ports, talk, "continue_program", &question, count, NodeKind::Revision).await
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
