use super::*;

const PROGRAM: &str = "\
import functools

class Stack:
    '''Last in, first out.'''

    def __init__(self):
        self.items = []

    def push(self, item):
        '''Put an item on top.'''
        self.items.append(check(item))
        return self.size()

    def size(self):
        return len(self.items)

@functools.cache
def check(item):
    def is_good(thing):
        return thing is not None
    if not is_good(item):
        raise ValueError(item)
    return item

def solve(items):
    stack = Stack()
    for item in items:
        stack.push(item)
    return stack.size()
";

fn seen(source: &str, language: Language) -> Vec<(String, UnitKind, Vec<String>)> {
    let outline = outline(source, language).unwrap();
    outline.units.into_iter().map(|unit| (unit.path, unit.kind, unit.module.calls)).collect()
}

fn check(source: &str, language: Language, expected: &[(&str, UnitKind, &[&str])]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(path, kind, calls)| {
            ((*path).to_owned(), *kind, calls.iter().map(|it| (*it).to_owned()).collect())
        })
        .collect();
    assert_eq!(seen(source, language), expected);
}

use UnitKind::{Class, Function, Method};

#[test]
fn functions_classes_and_methods_are_found_with_what_they_mention() {
    check(
        PROGRAM,
        Language::Python,
        &[
            ("Stack", Class, &[]),
            ("Stack.__init__", Method, &[]),
            ("Stack.push", Method, &["Stack.size", "check"]),
            ("Stack.size", Method, &[]),
            ("check", Function, &["check.is_good"]),
            ("check.is_good", Function, &[]),
            ("solve", Function, &["Stack", "Stack.push", "Stack.size"]),
        ],
    );
}

#[test]
fn a_unit_knows_its_parts() {
    let outline = outline(PROGRAM, Language::Python).unwrap();
    let [stack, _, push, ..] = &outline.units[..] else { panic!("{outline:?}") };
    assert_eq!((stack.module.docstring.as_str(), stack.line), ("Last in, first out.", 3));
    assert_eq!(push.module.signature, "def push(self, item)");
    assert_eq!(push.module.docstring, "Put an item on top.");
    assert!(push.module.source.starts_with("def push(self, item):\n    '''Put"), "{}", push.module.source);
    let cached = &outline.units[4];
    assert!(cached.module.source.starts_with("@functools.cache\ndef check(item):\n    def is_good"));
    assert_eq!(cached.line, 17);
    let reached = petgraph::algo::has_path_connecting(&outline.calls, 6.into(), 5.into(), None);
    assert!(reached, "solve calls push, push calls check, check calls is_good");
}

#[test]
fn names_mean_what_is_nearest() {
    let source = "def f():\n    def g():\n        return 1\n    return g()\ndef g():\n    return f\n\
                  class A:\n    def g(self):\n        return g()\n    def h(self, other):\n        return self.g() + other.k()\n\
                  class B:\n    def k(self):\n        return self.g\n";
    check(
        source,
        Language::Python,
        &[
            ("f", Function, &["f.g"]),
            ("f.g", Function, &[]),
            ("g", Function, &["f"]),
            ("A", Class, &[]),
            ("A.g", Method, &["g"]),
            ("A.h", Method, &["A.g", "B.k"]),
            ("B", Class, &[]),
            ("B.k", Method, &["A.g"]),
        ],
    );
}

#[test]
fn equal_units_have_equal_hashes() {
    let hashes = |source: &str| -> Vec<u64> {
        outline(source, Language::Python)
            .unwrap()
            .units
            .iter()
            .map(|unit| unit.hash(Language::Python))
            .collect()
    };
    let one = hashes("def f(a):\n    '''One.'''\n    return a + 1\n");
    let other = hashes("x = 1\ndef f(b):  # other\n    return b+1\n");
    assert_eq!(one, other);
    assert_ne!(one, hashes("def f(a):\n    return a + 2\n"));
}

#[test]
fn units_with_the_same_words_and_structure_are_alike() {
    let outline = outline(
        "def f(a):\n    return a + 1\n\ndef f(a):\n    return a + 2\n\ndef g(xs):\n    for x in xs:\n        print(x)\n",
        Language::Python,
    );
    let units = outline.unwrap().units;
    assert!((units[0].similarity(&units[1]) - 1.0).abs() < 1e-9);
    assert!(units[0].similarity(&units[2]) < 0.7, "{}", units[0].similarity(&units[2]));
    for unit in &units {
        assert_eq!(
            unit.vector,
            super::super::features::vector(&unit.module, Language::Python),
            "{}",
            unit.path
        );
    }
}

#[test]
fn what_does_not_parse_has_no_outline_and_nothing_is_nothing() {
    assert!(outline("def f(:\n", Language::Python).is_none());
    check("", Language::Python, &[]);
    check("x = lambda y: y\n", Language::Python, &[]);
}

#[cfg(feature = "grammar-rust")]
#[test]
fn rust_programs_have_outlines() {
    let source = "/// A pair.\nstruct Pair { a: i64, b: i64 }\n\nimpl Pair {\n    /// Adds.\n    /// Both.\n    fn total(&self) -> i64 { \
                  add(self.a, self.b) }\n}\n\nfn add(a: i64, b: i64) -> i64 {\n    fn id(x: i64) -> i64 { x }\n    id(a) + b\n}\n\
                  \nfn make() -> Pair { Pair { a: 1, b: 2 } }\nfn main() { let p: Pair = make(); let t = p.total(); }\n";
    check(
        source,
        Language::Rust,
        &[
            ("Pair", Class, &[]),
            ("Pair", Class, &[]),
            ("Pair.total", Method, &["add"]),
            ("add", Function, &["add.id"]),
            ("add.id", Function, &[]),
            ("make", Function, &["Pair"]),
            ("main", Function, &["Pair", "Pair.total", "make"]),
        ],
    );
    let outline = outline(source, Language::Rust).unwrap();
    assert_eq!(outline.units[2].module.signature, "fn total(&self) -> i64");
    assert_eq!(outline.units[2].module.docstring, "Adds.\nBoth.");
    assert_eq!(outline.units[0].module.docstring, "A pair.");
}

#[cfg(feature = "grammar-javascript")]
#[test]
fn javascript_programs_have_outlines() {
    let source = "/** Adds. */\nexport function add(a, b) { return a + b; }\nconst twice = (x) => add(x, x);\n\
                  class Pair {\n  total() { return add(this.a, this.b); }\n  both() { return this.total() + twice(1); }\n}\n\
                  function main() {\n  function inner() { return 1; }\n  return new Pair().both() + inner();\n}\n";
    check(
        source,
        Language::JavaScript,
        &[
            ("add", Function, &[]),
            ("twice", Function, &["add"]),
            ("Pair", Class, &[]),
            ("Pair.total", Method, &["add"]),
            ("Pair.both", Method, &["twice", "Pair.total"]),
            ("main", Function, &["Pair", "Pair.both", "main.inner"]),
            ("main.inner", Function, &[]),
        ],
    );
    let outline = outline(source, Language::JavaScript).unwrap();
    assert_eq!(outline.units[0].module.docstring, "Adds.");
    assert_eq!(outline.units[0].module.source, "export function add(a, b) { return a + b; }");
    assert_eq!(outline.units[1].module.source, "const twice = (x) => add(x, x);");
}
