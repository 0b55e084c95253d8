//! From what somebody wrote for a problem to a program that runs.

use crate::problem::{Entry, Problem};

/// Where completions of human-eval end: before a line at the left margin that begins something else.
///
/// Source: Chen et al. 2021, *Evaluating Large Language Models Trained on Code*, section 3.
pub const STOPS: [&str; 5] = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"];

/// The program as it runs: a text that defines the entry point is a whole program and is put behind the problem's
/// prelude; any other text is a completion and continues the starter.
#[must_use]
pub fn assemble(problem: &Problem, written: &str) -> String {
    let Entry::Function { name, .. } = &problem.entry else { return written.to_owned() };
    let top = name.split('.').next().unwrap_or(name);
    if problem.starter.is_empty() || defines(written, top) {
        with_prelude(&problem.prelude, written)
    } else {
        format!("{}{written}", problem.starter)
    }
}

/// A part of a program behind the problem's prelude, to be run on its own.
#[must_use]
pub(crate) fn part(problem: &Problem, written: &str) -> String {
    with_prelude(&problem.prelude, written)
}

/// Imports from `__future__` must stay first.
fn with_prelude(prelude: &str, program: &str) -> String {
    if prelude.trim().is_empty() {
        return program.to_owned();
    }
    let (future, rest): (Vec<_>, Vec<_>) =
        program.split_inclusive('\n').partition(|line| line.starts_with("from __future__ import"));
    format!("{}{}\n\n{}", future.concat(), prelude.trim_end(), rest.concat())
}

/// Whether a text is a module that defines `name`: it begins without indentation and somewhere binds the name. What
/// begins with an indented line is the body of a function, whatever the model wrote after it.
fn defines(text: &str, name: &str) -> bool {
    let mut code = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let is_module = code.next().is_some_and(|first| !first.starts_with([' ', '\t']));
    is_module && text.lines().any(|line| binds(line, name))
}

fn binds(line: &str, name: &str) -> bool {
    let after = |keyword: &str| line.strip_prefix(keyword).map(str::trim_start);
    let definition = after("def ").or_else(|| after("async def ")).or_else(|| after("class "));
    let rest = definition.unwrap_or(line).strip_prefix(name).map(str::trim_start);
    rest.is_some_and(|rest| match definition {
        Some(_) => rest.starts_with(['(', ':', '[']),
        None => rest.starts_with('=') && !rest.starts_with("=="),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codeagent_sandbox::Checker;

    use super::assemble;
    use crate::problem::{Entry, Problem, ProblemLimits};

    fn problem() -> Problem {
        Problem {
            id: "demo".into(),
            statement: String::new(),
            entry: Entry::Function { name: "f".into(), signature: None },
            prelude: "import math\n".into(),
            starter: "import math\n\ndef f(x):\n    \"\"\"Doc.\"\"\"\n".into(),
            buggy: None,
            visible: Vec::new(),
            checker: Checker::Exact,
            limits: ProblemLimits { time: Duration::from_secs(1), memory_mib: 64 },
        }
    }

    fn check(written: &str, expected: &str) {
        assert_eq!(assemble(&problem(), written), expected);
    }

    #[test]
    fn a_completion_continues_the_starter() {
        let starter = problem().starter;
        for body in [
            "    return x\n",
            "    return 1\n\ndef f(y):\n    return 2\n",
            "    # f\n    def f(): pass\n",
            "",
        ] {
            check(body, &format!("{starter}{body}"));
        }
        check("return x", &format!("{starter}return x"));
    }

    #[test]
    fn a_program_stands_behind_the_prelude() {
        for program in
            ["def f(x): return x\n", "import re\nclass f:\n    pass\n", "# f\nf = abs\n", "def f (x):\n  1\n"]
        {
            check(program, &format!("import math\n\n{program}"));
        }
        check(
            "from __future__ import annotations\nf = 1\n",
            "from __future__ import annotations\nimport math\n\nf = 1\n",
        );
    }

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        let starter = problem().starter;
        for text in ["def f2(x): return x\n", "f == 1\n", "fun = 1\n"] {
            check(text, &format!("{starter}{text}"));
        }
    }

    #[test]
    fn a_stdin_program_is_left_as_it_is() {
        let problem = Problem { entry: Entry::Stdio, ..problem() };
        assert_eq!(assemble(&problem, "print(1)"), "print(1)");
    }
}
