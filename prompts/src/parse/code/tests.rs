use proptest::prelude::*;

use super::*;

fn f() -> Entry {
    Entry::Function { name: "f".into(), signature: None }
}

fn check(reply: &str, expected: &str) {
    assert_eq!(program(reply, &f()).as_deref(), Ok(expected), "{reply:?}");
}

fn check_stdio(reply: &str, expected: &str) {
    assert_eq!(program(reply, &Entry::Stdio).as_deref(), Ok(expected), "{reply:?}");
}

const F: &str = "def f(x):\n    return x\n";

#[test]
fn a_fenced_program_is_read() {
    check("Sure!\n```python\ndef f(x):\n    return x\n```\nDone.", F);
    check("```\ndef f(x):\n    return x\n```", F);
    check("~~~py\ndef f(x):\n    return x\n~~~", F);
    check("```Python\r\ndef f(x):\r\n    return x\r\n```\r\n", F);
    check("````python\ndef f(x):\n    return x\n````", F);
}

#[test]
fn the_block_with_the_entry_point_is_chosen() {
    check("```python\nf(3)\n```\n```python\ndef f(x):\n    return x\n```\n```python\nprint(f(1))\n```", F);
    check("First:\n```python\ndef f(x): return 0\n```\nBetter:\n```python\ndef f(x):\n    return x\n```", F);
    check("```python\ndef f(x):\n    return x\n```\n```text\ndef f(x): sample\n```", F);
    check("```module\ndef f(x):\n    \"\"\"Outline.\"\"\"\n```\n```python\ndef f(x):\n    return x\n", F);
    check("```python\nf = lambda x: x\n```", "f = lambda x: x\n");
    check("```python\nasync def f(x): pass\n```", "async def f(x): pass\n");
}

#[test]
fn complete_blocks_come_before_cut_ones() {
    check("```python\ndef f(x):\n    return x\n```\nOr:\n```python\ndef f(x):\n    retu", F);
    check("```python\ndef f(x):\n    return x", F);
    check("```python\nimport os\n```python\ndef f(x):\n    return x\n```", F);
}

#[test]
fn fences_may_be_nested_or_indented() {
    let inner = "def f(x):\n    \"\"\"\n```\nf(1)\n```\n    \"\"\"\n    return x\n";
    check(&format!("```python\n{inner}```"), inner);
    check("1. Code:\n   ```python\n   def f(x):\n       return x\n   ```\n2. Done", F);
    check("````markdown\n```python\nx\n```\n````\n```python\ndef f(x):\n    return x\n```", F);
    check("```python def f(x): return x```", "def f(x): return x\n");
    // A string that never ends does not hide the fence.
    check(
        "```python\ndef f(x):\n    return x # \"\"\"\n```\nSee \"\"\" above",
        "def f(x):\n    return x # \"\"\"\n",
    );
    check(
        "```python\ns = 1; \"\"\"\ndef f(x):\n    return x\n```\nBye",
        "s = 1; \"\"\"\ndef f(x):\n    return x\n",
    );
}

#[test]
fn code_without_a_fence_is_read() {
    check("def f(x):\n    return x", F);
    check("Here is the function:\n\ndef f(x):\n    return x\n\nIt returns its argument.", F);
    check("import math\n\ndef f(x):\n    return x\n", "import math\n\ndef f(x):\n    return x\n");
    check("[PYTHON]\ndef f(x):\n    return x\n[/PYTHON]", F);
    check_stdio(
        "The program:\n\nn = int(input())\nprint(n)\n\nThis prints n.",
        "n = int(input())\nprint(n)\n",
    );
    let long = "def f(x):\n    \"\"\"Doc.\n\nMore prose here.\n    \"\"\"\n    return x\n";
    check(long, long);
}

#[test]
fn whole_programs_are_told_from_samples() {
    check_stdio(
        "```\n3\n1 2 3\n```\n```python\nprint(input())\n```\nOutput:\n```\n6\n```",
        "print(input())\n",
    );
    check_stdio(
        "```python\ndef helper(): ...\n```\n```python\nimport sys\nsys.stdin.read()\n```",
        "import sys\nsys.stdin.read()\n",
    );
}

#[test]
fn class_methods_need_their_class() {
    let entry = Entry::Function { name: "Solution.run".into(), signature: None };
    let code = "class Solution:\n    def run(self): ...\n";
    assert_eq!(program(&format!("```python\n{code}```"), &entry).as_deref(), Ok(code));
}

#[test]
fn what_is_no_program_is_an_error() {
    assert_eq!(program("", &f()), Err(AnswerError::Empty));
    assert_eq!(program(" \n\t ", &f()), Err(AnswerError::Empty));
    assert_eq!(program("I cannot help with that.", &f()), Err(AnswerError::NoCode));
    assert_eq!(program("We import nothing. If so, return.", &Entry::Stdio), Err(AnswerError::NoCode));
    assert_eq!(program("```python\n```", &f()), Err(AnswerError::NoCode));
    assert_eq!(program("```python\ndef g(): return 1\n```", &Entry::Stdio), Err(AnswerError::NoProgram));
    let other = "```python\ndef g(x): return x\n```";
    assert_eq!(program(other, &f()), Err(AnswerError::EntryMissing { entry: "f".into() }));
    assert_eq!(any_code(other).as_deref(), Some("def g(x): return x\n"));
    assert_eq!(any_code("no code"), None);
}

#[test]
fn long_text_takes_linear_time() {
    // Each of these would take hours if any byte were read more than a few dozen times.
    for unit in
        ["```python\n", "```\n", "\"\"\"\n", "def f(\n", "a = 1\n", "`", "    x\n", "'''\"\"\"", "~~~ ```\n"]
    {
        let reply = unit.repeat(1024 * 1024 / unit.len());
        let _ = program(&reply, &f());
    }
}

#[test]
fn ten_megabytes_are_read() {
    let line = "    total = total + values[index]\n";
    let code = format!("def f(x):\n{}", line.repeat(10 * 1024 * 1024 / line.len()));
    assert_eq!(program(&format!("```python\n{code}```\n"), &f()).unwrap().len(), code.len());
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(reply in "(\\PC|[`~\"'\n #=(:]){0,300}") {
        let _ = program(&reply, &f());
        let _ = program(&reply, &Entry::Stdio);
        let _ = any_code(&reply);
    }

    #[test]
    fn what_is_fenced_is_read_back(
        body in proptest::collection::vec("[a-z0-9 =+(]{0,20}", 0..10),
        before in "[A-Za-z .,\n]{0,60}",
        after in "[A-Za-z .,\n]{0,60}",
    ) {
        let code = format!("def f(x):\n    {}\n    return x\n", body.join("\n    "));
        let reply = format!("{before}\n{}\n{after}", crate::fence::fenced(&code, "python"));
        prop_assert_eq!(program(&reply, &f()).unwrap(), code);
    }
}
