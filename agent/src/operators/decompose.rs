//! Decompose: a function to a draft of it and stubs of the functions that it calls (FunCoder, ANPL).

use codeagent_prompts::questions::DivideFunction;
use codeagent_prompts::{Entry, Function};
use codeagent_search::policy::{Draft, Trial, TrialResult};
use codeagent_search::tree::{NodeId, NodeKind};

use super::ask::Conversation;
use super::pieces::Above;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::modules::{self, FunctionGraph, Header, PartKind};
use crate::notebook::{Content, Note, Written};
use crate::sketch::Sketch;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    helpers: usize,
) -> Result<Made, TrialError> {
    if let Some(sketch) = ports.sketch.as_ref().filter(|_| trial.node == NodeId::ROOT) {
        return Ok(of_sketch(sketch));
    }
    let functions = &inputs.functions;
    let Some(function) = functions.function(&ports.problem) else { return Ok(unusable()) };
    let whole = trial.node == NodeId::ROOT && ports.problem.entry == Entry::Stdio;
    let known = functions.graph(Above::Parts);
    let code = known.whole();
    let question = DivideFunction { task: &ports.task, function: &function, whole, code: &code, helpers };
    let Some(answered) = talk.ask_for_programs("divide_function", &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let taken =
        |name: &str| functions.names.contains(name) || name == super::pieces::entry(&ports.problem).name;
    let Some(division) = divide(&answered.answer, &function, &known, taken) else { return Ok(unusable()) };
    let mut written = vec![Written { source: division.draft, ..Written::stub(function, Vec::new()) }];
    written.extend(division.stubs.into_iter().take(helpers).map(|stub| Written::stub(stub, Vec::new())));
    Ok(made(written, |content| Note {
        prompt: answered.prompt.clone(),
        answer: answered.text.clone(),
        content,
    }))
}

/// What the user's sketch holds: its fixed text, and a stub for every hole that is open.
fn of_sketch(sketch: &Sketch) -> Made {
    let root = sketch.function(&sketch.root).unwrap_or_default();
    let mut written = vec![Written { source: sketch.fixed_text(), ..Written::stub(root, Vec::new()) }];
    for hole in sketch.open() {
        written.push(Written::stub(hole.function(), hole.tests.clone()));
    }
    made(written, |content| Note { prompt: Vec::new(), answer: String::new(), content })
}

fn made(written: Vec<Written>, note: impl Fn(Content) -> Note) -> Made {
    let draft = Draft { kind: NodeKind::Module, prior: None, attempt: None };
    let drafts = vec![draft; written.len()];
    let notes = written.into_iter().map(|written| note(Content::Function(Box::new(written)))).collect();
    (TrialResult::Made { drafts }, notes)
}

#[derive(Debug, PartialEq)]
struct Division {
    draft: String,
    stubs: Vec<Function>,
}

/// Takes an answer apart. `None` if the function is missing, is a stub itself, or has other parameters than it should.
fn divide(
    answer: &str,
    function: &Function,
    known: &FunctionGraph,
    taken: impl Fn(&str) -> bool,
) -> Option<Division> {
    let parts = modules::parts(answer)?;
    // Of several definitions the last one counts, as when they run.
    let own = parts.iter().rev().find(|part| !part.is_stub() && part.names.contains(&function.name))?;
    if let PartKind::Function(header) = &own.kind {
        let wanted = modules::parameters_of(&function.signature);
        let fits = wanted.is_none_or(|wanted| wanted == ["..."] || wanted == header.parameters);
        if !fits {
            return None;
        }
    }
    let draft = own_text(answer, &function.name, known)?;
    let stub = |header: &Header, name: &String| {
        let (signature, doc) = (header.signature.clone(), header.docstring.clone());
        let wanted = header.is_stub && *name != function.name && !known.knows(name) && !taken(name);
        wanted.then(|| Function { name: name.clone(), signature, doc })
    };
    let stubs = parts.iter().filter_map(|part| match &part.kind {
        PartKind::Function(header) => stub(header, part.names.first()?),
        _ => None,
    });
    Some(Division { draft, stubs: stubs.collect() })
}

/// What of `answer` a function needs beside what is known: itself, and helpers of its own.
pub(super) fn own_text(answer: &str, name: &str, known: &FunctionGraph) -> Option<String> {
    let mut own = FunctionGraph::default();
    let redefines =
        |part: &modules::Part| part.names.iter().any(|defined| defined != name && known.knows(defined));
    own.add_parts(modules::parts(answer)?.into_iter().filter(|part| !redefines(part)));
    own.knows(name).then(|| own.assemble(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> Function {
        Function { name: "f".into(), signature: "def f(a: int, b) -> int".into(), doc: String::new() }
    }

    fn known() -> FunctionGraph {
        let mut graph = FunctionGraph::default();
        assert!(graph.add("def old(x):\n    return x\n"));
        graph
    }

    fn check(answer: &str, expected: Option<(&str, &[&str])>) {
        let found = divide(answer, &function(), &known(), |name| name == "pending");
        let found =
            found.map(|it| (it.draft, it.stubs.into_iter().map(|stub| stub.name).collect::<Vec<_>>()));
        let expected = expected
            .map(|(draft, stubs)| (draft.to_owned(), stubs.iter().map(|stub| (*stub).to_owned()).collect()));
        assert_eq!(found, expected, "{answer}");
    }

    #[test]
    fn a_division_is_a_draft_and_stubs() {
        check(
            "import re\n\ndef f(a, b=2):\n    return g(a) + old(b) + pending(a)\n\n\
             def g(x: int) -> int:\n    '''Doc.'''\n    raise NotImplementedError()\n\n\
             def old(x): pass\n\ndef pending(x):\n    ...\n\nprint(f(1, 2))\n",
            Some(("import re\n\n\ndef f(a, b=2):\n    return g(a) + old(b) + pending(a)\n", &["g"])),
        );
    }

    #[test]
    fn helpers_that_are_written_out_belong_to_the_draft() {
        check(
            "def f(a, b):\n    return h(a)\n\ndef h(x):\n    return x\n\ndef unused(x):\n    return 0\n",
            Some(("def f(a, b):\n    return h(a)\n\n\ndef h(x):\n    return x\n", &[])),
        );
    }

    #[test]
    fn what_is_no_division_is_refused() {
        for answer in [
            "def g(a, b):\n    return 1\n",
            "def f(a, b):\n    pass\n",
            "def f(a, b):\n    '''Doc.'''\n    raise NotImplementedError\n",
            "def f(a):\n    return 1\n",
            "def f(a, b):\n    return 1\n\ndef f(a):\n    return 1\n",
            "def f(a, c):\n    return 1\n",
            "def f(a, b:\n",
            "",
        ] {
            check(answer, None);
        }
    }
}
