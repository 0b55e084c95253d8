//! From what the machinery saw and what a program claims to a verdict.

use crate::peer::{Problem, line, text};
use crate::session::{Capabilities, Cause, Ending};
use crate::value::Value;
use crate::verdict::{Failure, Verdict};

/// Characters of a value or an output that verdicts show.
const SHOWN_CHARS: usize = 2_000;

/// Exceptions that a refusal of ours can end in.
const REFUSAL_CLASSES: [&str; 12] = [
    "OSError",
    "PermissionError",
    "FileNotFoundError",
    "NotADirectoryError",
    "ConnectionError",
    "ConnectionRefusedError",
    "TimeoutError",
    "BlockingIOError",
    "ChildProcessError",
    "gaierror",
    "herror",
    "UnsupportedOperation",
];

/// The verdict of a program that ended where an answer was due.
pub(crate) fn of_ending(ending: &Ending) -> Verdict {
    of_cause(ending).unwrap_or(match ending.cause {
        Cause::Exited { status } if status != 0 => failed(Failure::Exit { code: status }),
        _ => failed(Failure::NoAnswer),
    })
}

/// The verdict of whatever ended a program, other than the program itself.
pub(crate) fn of_cause(ending: &Ending) -> Option<Verdict> {
    Some(match &ending.cause {
        Cause::OutputLimit => Verdict::OutputLimit,
        Cause::Timeout { clock } => Verdict::Timeout { clock: *clock },
        Cause::Memory => Verdict::Memory,
        Cause::Crashed { .. } if ending.memory_refused => Verdict::Memory,
        Cause::Crashed { cause } => Verdict::Crashed { cause: cause.clone() },
        Cause::Exited { .. } => return None,
    })
}

/// The verdict of an uncaught exception, as long as nothing is known of refusals.
pub(crate) fn of_problem(problem: Problem) -> Verdict {
    match problem.class.as_str() {
        // The interpreter's own says nothing more; a program can raise any other by hand.
        "MemoryError" if problem.message.is_empty() => Verdict::Memory,
        // Leaving is no answer, whatever the status says.
        "SystemExit" => failed(Failure::NoAnswer),
        _ => {
            failed(Failure::Exception { class: problem.class, message: problem.message, line: problem.line })
        }
    }
}

/// Blames an uncaught exception on the session's refusals where it can have come of them.
pub(crate) fn with_refusals(verdict: Verdict, refusals: &[String]) -> Verdict {
    match verdict {
        Verdict::Failed { failure: Failure::Exception { ref class, .. } }
            if !refusals.is_empty() && REFUSAL_CLASSES.contains(&class.as_str()) =>
        {
            Verdict::Denied { what: refusals.join(", ") }
        }
        other => other,
    }
}

/// Says so where a program failed for want of a standard module that the sandbox does not have: that is no fault in what
/// it meant, and a better one would not import it.
pub(crate) fn explain_absence(verdict: &mut Verdict, capabilities: &Capabilities) {
    let Verdict::Failed { failure: Failure::Exception { class, message, .. } } = verdict else { return };
    let named = message.strip_prefix("No module named '").and_then(|rest| rest.strip_suffix('\''));
    let top = named.and_then(|name| name.split('.').next());
    if class == "ModuleNotFoundError"
        && top.is_some_and(|top| capabilities.absent.iter().any(|absent| absent == top))
    {
        *message =
            format!("{message} (a standard module that the {} sandbox does not have)", capabilities.backend);
    }
}

/// The syntax error in an answer.
pub(crate) fn syntax(answer: &Value) -> Option<Failure> {
    let error = answer.field("syntax")?;
    Some(Failure::Syntax { message: text(error, "message").unwrap_or_default(), line: line(error) })
}

pub(crate) const fn failed(failure: Failure) -> Verdict {
    Verdict::Failed { failure }
}

/// `text` with its middle left out where it is too long to show.
pub(crate) fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= SHOWN_CHARS {
        return text.to_owned();
    }
    let half = SHOWN_CHARS / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{head}...{tail}")
}
