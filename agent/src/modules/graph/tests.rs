//! Tests of function graphs: what a program is assembled from.

use proptest::prelude::*;

use super::*;

const PROGRAM: &str = "\
'''A module.'''
import math
from typing import List

LIMIT = base() * 3

def base():
    return 2

# About f.
@cached
def f(x: int, *more, key=None) -> int:
    '''Does it.'''
    return g(x) + LIMIT

def g(x): return math.floor(x)

def cached(function):
    return function

def unused(x):
    return f(x)

def later(x):
    '''Not yet.'''
    raise NotImplementedError('later')

class Box:
    size = g(1)

sys.setrecursionlimit(9)
assert f(1) == 7
print(f(1))
if __name__ == '__main__':
    print(f(2))
";

fn graph(source: &str) -> FunctionGraph {
    let mut graph = FunctionGraph::default();
    assert!(graph.add(source));
    graph
}

#[test]
fn a_program_is_what_its_entry_reaches() {
    let expected = "\
import math
from typing import List


LIMIT = base() * 3


def base():
    return 2


@cached
def f(x: int, *more, key=None) -> int:
    '''Does it.'''
    return g(x) + LIMIT


def g(x): return math.floor(x)


def cached(function):
    return function


sys.setrecursionlimit(9)
";
    let assembled = graph(PROGRAM).assemble("f");
    assert_eq!(assembled, expected.replace("List\n\n\nLIMIT", "List\nLIMIT"));
    assert_eq!(graph(&assembled).assemble("f"), assembled, "assembling again changes nothing");
}

#[test]
fn headers_are_known_and_stubs_are_no_parts() {
    let parts = parts(PROGRAM).unwrap();
    let header = |name: &str| {
        parts.iter().find_map(|part| match &part.kind {
            PartKind::Function(header) if part.names == [name] => Some(header.clone()),
            _ => None,
        })
    };
    let f = header("f").unwrap();
    assert_eq!(
        (f.signature.as_str(), f.docstring.as_str()),
        ("def f(x: int, *more, key=None) -> int", "Does it.")
    );
    assert_eq!((f.parameters, f.is_stub), (vec!["x".to_owned(), "*more".into(), "key".into()], false));
    assert!(header("later").unwrap().is_stub);
    assert!(!graph(PROGRAM).knows("later"));
    for body in ["pass", "...", "'''Doc.'''", "# todo\n    pass", "raise NotImplementedError"] {
        let text = format!("def h():\n    {body}\n");
        let PartKind::Function(header) = &super::parts(&text).unwrap()[0].kind else { panic!("{body}") };
        assert!(header.is_stub, "{body}");
    }
    assert_eq!(parameters_of("def f(a: int, b=2) -> int:"), Some(vec!["a".to_owned(), "b".into()]));
    assert_eq!(parameters_of("f(a"), None);
}

#[test]
fn the_first_definition_stays() {
    let mut graph = graph("def f():\n    return g()\n\ndef g():\n    return 1\n");
    assert!(graph.add("import re\n\ndef g():\n    return 2\n\ndef h():\n    return g()\n"));
    assert!(!graph.add("def broken(:\n"));
    assert!(graph.assemble("h").contains("return 1") && !graph.whole().contains("return 2"));
    assert_eq!(graph.dependents("g").into_iter().collect::<Vec<_>>(), ["f", "h"]);
    assert!(graph.dependents("none").is_empty());
    assert!(["f", "g", "h"].iter().all(|name| graph.knows(name)));
}

#[test]
fn statements_that_change_what_is_there_belong_to_the_program() {
    for source in [
        "t = {}\nt[0] = 1\n\n\ndef f(): return t[0]\n",
        "n = 1\nn += 1\nn += 1\n\n\ndef f(): return n\n",
        "n = 1\nn = n + 1\n\n\ndef f(): return n\n",
        "n = 1\nn, m = 2, n\n\n\ndef f(): return m\n",
        "class Box: pass\n\n\nBox.size = 1\n\n\ndef f(): return Box.size\n",
        "def f(): return 1\n\n\nf = memo(f)\n\n\ndef memo(f): return f\n",
    ] {
        let graph = graph(source);
        assert_eq!(graph.assemble("f"), source);
        let mut again = graph.clone();
        assert!(again.add(source));
        assert_eq!(again.whole(), source, "what is there is not added again");
    }
}

#[test]
fn the_last_definition_of_one_text_wins() {
    let text = "def f():\n    return g()\n\n\ndef g():\n    return 1\n\n\ndef g():\n    return 2\n";
    let mut graph = graph(text);
    assert_eq!(graph.assemble("f"), text);
    assert!(graph.add("def g():\n    return 3\n"));
    assert_eq!(graph.assemble("f"), text);
    assert_eq!(graph.dependents("g").into_iter().collect::<Vec<_>>(), ["f"]);
}

#[test]
fn verbatim_texts_come_first_and_stay() {
    let text = "from __future__ import annotations\n\ndef f( x ):   # mine\n  return g(x)";
    let mut graph = graph("import re\n\ndef g(x):\n    return x\n");
    assert!(graph.add_verbatim(text));
    let program = graph.assemble("f");
    assert!(program.starts_with(text) && program.contains("def g(x)"), "{program}");
    assert!(!graph.add_verbatim("def ("));
}

proptest! {
    /// Any text is added or refused, and what was added can be parsed when it is assembled.
    #[test]
    fn what_is_assembled_parses(source in "(def [fgh]\\([xy]?\\): ?return [fgh]\\(1\\)\n|[fgh] = [fgh]\\(\\)\n|import [xyz]\n|@[fgh]\n|    pass\n|\\PC){0,12}") {
        let mut graph = FunctionGraph::default();
        if graph.add(&source) {
            for entry in ["f", "none"] {
                prop_assert!(parts(&graph.assemble(entry)).is_some());
            }
        }
    }
}
