use proptest::prelude::*;

use super::*;

const PROGRAM: &str = "\
import functools

LIMIT = 3

@functools.cache
def square(n: int) -> int:
    '''Square a number.

    Input: n.
    '''
    return n * n

async def unused(n):
    return square(n)

class Pair:
    def total(self):
        return total_of(self.items, key=square)

def total_of(items,
             key):
    def step(sum, item):
        return sum + key(item)
    return functools.reduce(step, items, 0)

def main():
    print(Pair().total(), LIMIT)

if __name__ == '__main__':
    main()
";

fn names(source: &str, entry: Option<&str>) -> Vec<String> {
    extract(source, entry).into_iter().map(|module| module.name).collect()
}

#[test]
fn functions_that_the_statements_reach_are_modules() {
    // `main` and `Pair` are passed through, and left out.
    assert_eq!(names(PROGRAM, None), ["square", "total_of"]);
}

#[test]
fn a_module_knows_its_parts() {
    let modules = extract(PROGRAM, None);
    let square = &modules[0];
    assert_eq!(square.signature, "def square(n: int) -> int");
    assert_eq!(square.docstring, "Square a number.\n\nInput: n.");
    assert!(square.source.starts_with("@functools.cache\ndef square"), "{}", square.source);
    assert!(square.calls.is_empty());
    let total_of = &modules[1];
    assert_eq!(total_of.signature, "def total_of(items, key)");
    assert!(total_of.source.contains("def step"));
    assert_eq!(total_of.docstring, "");
}

#[test]
fn only_what_the_entry_point_reaches_is_given() {
    assert_eq!(names(PROGRAM, Some("unused")), ["square"]);
    assert_eq!(names(PROGRAM, Some("Pair.total")), ["square", "total_of"]);
    // Nothing else is reached: the entry point itself.
    assert_eq!(names(PROGRAM, Some("square")), ["square"]);
    assert_eq!(extract(PROGRAM, Some("Pair.total"))[1].calls, Vec::<String>::new());
    assert_eq!(extract("def f(): return g\ndef g(): return f()\n", Some("f"))[0].calls, ["f"]);
}

#[test]
fn odd_programs_have_modules_too() {
    assert_eq!(names("def f(): return 1\ndef f(): return g()\ndef g(): return 2\n", Some("f")), ["g"]);
    let nested = extract("if True:\n    def f(x):\n        return x\nprint(f(1))\n", None);
    assert_eq!(nested[0].source, "def f(x):\n    return x");
    assert_eq!(names("f = lambda x: g(x)\ndef g(x): return x\n", Some("f")), ["g"]);
    assert_eq!(names("def f(:\n", Some("f")), Vec::<String>::new());
    assert_eq!(names("", None), Vec::<String>::new());
    assert_eq!(names("def main():\n    pass\nmain()\n", None), Vec::<String>::new());
}

fn check_equal(left: &str, right: &str) {
    assert_eq!(normalised_hash(left), normalised_hash(right), "{left}\n---\n{right}");
}

fn check_different(left: &str, right: &str) {
    assert_ne!(normalised_hash(left), normalised_hash(right), "{left}\n---\n{right}");
}

#[test]
fn names_of_locals_layout_and_remarks_do_not_matter() {
    check_equal(
        "def f(a, b=1):\n    return a + b\n",
        "def f(x, y = 1):  # sum\n\n    '''Sum.'''\n    return x+y",
    );
    check_equal(
        "def f(a):\n    for i in a:\n        print(i)\n",
        "def f(b):\n    for x in b:\n        print(x)\n",
    );
    check_equal(
        "def f(s):\n    with open(s) as h, g(*[c for c in h]) as k:\n        (a, *b), d = k\n        return lambda e: a + b[e]\n",
        "def f(p):\n    with open(p) as q, g(*[r for r in q]) as s:\n        (t, *u), v = s\n        return lambda w: t + u[w]\n",
    );
    check_equal(
        "def f(n):\n    t = 0\n    def g(m):\n        nonlocal t\n        t += m + n\n    g(1)\n    return f'{t:>3}'\n",
        "def f(x):\n    s = 0\n    def h(y):\n        nonlocal s\n        s += y + x\n    h(1)\n    return f'{s:>3}'\n",
    );
    check_equal(
        "def f(a):\n    return [b for b in a if (c := b)]\n",
        "def f(x):\n    return [y for y in x if (z := y)]\n",
    );
}

#[test]
fn names_that_could_matter_stay() {
    check_different("def f(): return 1\n", "def g(): return 1\n");
    check_different("x = 1\nprint(x)\n", "y = 1\nprint(y)\n");
    check_different("def f(a): return a.b\n", "def f(a): return a.c\n");
    check_different("def f(a): return len(a)\n", "def f(a): return sum(a)\n");
    check_different("def f(a): return g(k=a)\n", "def f(a): return g(l=a)\n");
    check_different(
        "def f():\n    import math\n    return math.e\n",
        "def f():\n    import cmath\n    return cmath.e\n",
    );
    check_different("def f():\n    global a\n    a = 1\n", "def f():\n    global b\n    b = 1\n");
    check_different("def f(a): return eval('a')\n", "def f(b): return eval('a')\n");
    check_different("def f(a): return f'{a=}'\n", "def f(b): return f'{b=}'\n");
    check_different("class A:\n    x = 1\n", "class A:\n    y = 1\n");
}

#[test]
fn renaming_is_not_confused() {
    check_different("def f(a, b): return a - b\n", "def f(a, b): return b - a\n");
    check_different("def f(x=x): return x\n", "def f(y=y): return y\n");
    check_different("def f(a, b): return [a for a in a]\n", "def f(a, b): return [b for b in b]\n");
    check_different("def g(a, b): return a - b\ng(a=1, b=2)\n", "def g(b, a): return b - a\ng(a=1, b=2)\n");
    check_different("def f(w, u): return f'{1:{w}}'\n", "def f(u, w): return f'{1:{w}}'\n");
    check_different("def f(a): return 'a\\n'\n", "def f(a): return 'b\\n'\n");
    check_different("def f(a): return a\n", "def f(a): return v0\n");
    check_different(
        "def f(n):\n    if n:\n        a()\n    b()\n",
        "def f(n):\n    if n:\n        a()\n        b()\n",
    );
    check_different("a < b\n", "a > b\n");
    check_different("return (\n", "return [\n");
}

#[test]
fn text_that_does_not_parse_is_hashed_as_text() {
    check_equal("def f(:\n", "\ndef f(:  \n");
    check_different("def f(:\n", "def g(:\n");
}

#[test]
fn syntax_is_judged() {
    assert!(parses("def f():\n    return 1\n"));
    assert!(parses(""));
    assert!(!parses("def f(:\n"));
    assert!(!parses("Here is the code:\n```python\n"));
}

#[test]
fn definitions_are_found_at_the_top_level() {
    for name in ["square", "unused", "Pair", "Pair.total", "LIMIT", "main"] {
        assert!(defines(PROGRAM, name), "{name}");
    }
    for name in ["total", "step", "Pair.step", "square.n", "functools", "nothing", ""] {
        assert!(!defines(PROGRAM, name), "{name}");
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let depth = 100_000;
    let brackets = format!("x = {}{}\n", "[".repeat(depth), "]".repeat(depth));
    let open = "(".repeat(depth);
    let lambdas = format!("f = {}1\n", "lambda x: ".repeat(2_000));
    for source in [&brackets, &open, &lambdas] {
        let _ = (parses(source), normalised_hash(source), defines(source, "f"), extract(source, None));
    }
    let module = Module { source: brackets, ..extract(PROGRAM, None).swap_remove(0) };
    assert_eq!(cluster(&[module], 1, 0), [[0]]);
}

fn module(name: &str, body: &str) -> Module {
    let source = format!("def {name}(values):\n    {body}\n");
    extract(&source, Some(name)).swap_remove(0)
}

fn two_kinds() -> Vec<Module> {
    vec![
        module("read_numbers", "return [int(word) for word in input().split()]"),
        module("count_primes", "return sum(all(n % d for d in range(2, n)) for n in values)"),
        module("read_values", "return [int(part) for part in input().split()]"),
        module("count_all_primes", "return sum(all(m % q for q in range(2, m)) for m in values)"),
        module("read_numbers", "return [int(token) for token in input().split()]"),
    ]
}

#[test]
fn similar_modules_share_a_cluster() {
    for seed in 0..20 {
        assert_eq!(cluster(&two_kinds(), 2, seed), [vec![0, 2, 4], vec![1, 3]]);
    }
    assert_eq!(cluster(&two_kinds(), 1, 0), [[0, 1, 2, 3, 4]]);
    assert!(cluster(&two_kinds(), 0, 0).is_empty());
    assert!(cluster(&[], 3, 0).is_empty());
}

fn offers(passed: &[f64]) -> Vec<Offer> {
    two_kinds()
        .into_iter()
        .zip(passed)
        .map(|(module, &pass_fraction)| Offer { module, pass_fraction })
        .collect()
}

#[test]
fn representatives_come_one_from_each_cluster() {
    let offers = offers(&[0.0, 0.5, 1.0, 1.0, 0.0]);
    let chosen = |choice| -> Vec<&str> {
        representatives(&offers, 2, choice, 0).into_iter().map(|module| module.name.as_str()).collect()
    };
    // Two of the three readers are the same, and so the centroid is near them.
    assert_eq!(chosen(ModuleChoice::Centroid), ["read_numbers", "count_primes"]);
    assert_eq!(chosen(ModuleChoice::BestPassing), ["read_values", "count_all_primes"]);
}

#[test]
fn equal_modules_are_shown_once() {
    let offers = offers(&[1.0; 5]);
    // 0 and 4 differ in a local name only.
    assert_eq!(representatives(&offers, 9, ModuleChoice::Random, 3).len(), 4);
    let all = representatives(&offers, 5, ModuleChoice::Centroid, 3);
    assert_eq!(all.len(), 4, "{all:?}");
}

/// A program over `{0}` to `{3}`, which stand for local variables.
fn template() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        (0..4).prop_map(|n| format!("{{{n}}}")),
        Just("g".to_owned()),
        Just("len".to_owned()),
        Just("(7)".to_owned())
    ];
    let expression = atom.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} + {right})")),
            inner.clone().prop_map(|value| format!("g({value})")),
            inner.clone().prop_map(|value| format!("[{{0}} for {{0}} in {value}]")),
            inner.clone().prop_map(|value| format!("(lambda {{1}}: {value})")),
            inner.prop_map(|value| format!("{value}.a")),
        ]
    });
    proptest::collection::vec((0..4, expression), 1..6).prop_map(|statements| {
        let lines: Vec<String> =
            statements.iter().map(|(target, value)| format!("    {{{target}}} = {value}\n")).collect();
        format!("def f({{0}}, {{1}}):\n    {{2}} = {{3}} = 0\n{}    return {{2}}, {{3}}\n", lines.concat())
    })
}

fn filled(template: &str, names: &[&str]) -> String {
    names
        .iter()
        .enumerate()
        .fold(template.to_owned(), |text, (n, name)| text.replace(&format!("{{{n}}}"), name))
}

proptest! {
    #[test]
    fn renaming_locals_keeps_the_hash(template in template()) {
        let source = filled(&template, &["a", "b", "c", "d"]);
        prop_assert!(parses(&source), "{}", source);
        let renamed = filled(&template, &["d", "long_name", "x2", "a"]);
        prop_assert_eq!(normalised_hash(&source), normalised_hash(&renamed));
    }

    #[test]
    fn any_text_is_taken_without_panic(source in "(\\PC|def |lambda |import |[\n :()\\[\\]'\"{}=,]){0,80}") {
        let _ = (parses(&source), normalised_hash(&source), defines(&source, "f"));
        for module in extract(&source, None) {
            let _ = cluster(&[module], 2, 0);
        }
    }

    #[test]
    fn clusters_are_a_partition_and_repeat(picks in proptest::collection::vec(0_usize..5, 0..12), clusters in 0_usize..7, seed in any::<u64>()) {
        let kinds = two_kinds();
        let modules: Vec<Module> = picks.iter().map(|&pick| kinds[pick].clone()).collect();
        let groups = cluster(&modules, clusters, seed);
        prop_assert_eq!(&groups, &cluster(&modules, clusters, seed));
        prop_assert!(groups.len() <= clusters);
        let mut members: Vec<usize> = groups.concat();
        members.sort_unstable();
        let expected = if clusters == 0 { 0 } else { modules.len() };
        prop_assert_eq!(members, (0..expected).collect::<Vec<_>>());
    }

    #[test]
    fn representatives_repeat(seed in any::<u64>(), count in 0_usize..6) {
        let offers = offers(&[0.1, 0.2, 0.3, 0.4, 0.5]);
        for choice in [ModuleChoice::Centroid, ModuleChoice::Random, ModuleChoice::BestPassing] {
            let chosen = representatives(&offers, count, choice, seed);
            prop_assert!(chosen.len() <= count);
            prop_assert_eq!(&chosen, &representatives(&offers, count, choice, seed));
        }
    }
}
