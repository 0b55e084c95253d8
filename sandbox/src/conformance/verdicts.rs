//! Programs for every verdict, and the known ways to cheat a judge that any interpreter could be used for.

use super::{Specimen, Trial};

const fn calls(
    name: &'static str,
    source: &'static str,
    args: &'static str,
    right: &'static str,
    expected: &'static str,
) -> Specimen {
    Specimen { name, source, test: Trial::Call(args, right), expected }
}

const fn runs(
    name: &'static str,
    source: &'static str,
    input: &'static str,
    output: &'static str,
    expected: &'static str,
) -> Specimen {
    Specimen { name, source, test: Trial::Stdio(input, output), expected }
}

const fn tested(
    name: &'static str,
    source: &'static str,
    setup: &'static str,
    code: &'static str,
    expected: &'static str,
) -> Specimen {
    Specimen { name, source, test: Trial::Code(setup, code), expected }
}

/// A `str` that equals everything; an honest judge reads it as its base.
const AGREEABLE_STR: &str = "class S(str):\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n    \
                             __hash__ = str.__hash__\ndef f(): return S('wrong')";
const AGREEABLE: &str = "class A:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n\
                         def f(): return A()";
const PATCHED: &str = "import builtins, sys, struct, os\nbuiltins.len = builtins.isinstance = builtins.type = lambda *a: True\n\
                       builtins.__import__ = None\nos.write = lambda *a: 1\nsys.modules.clear()\ndef f(): return [1, 2]";
const CHECK: &str = "def check(candidate):\n    xs = [3, 1, 2]\n    assert candidate(xs) is None\n    assert xs == [1, 2, 3]\n    \
                     assert f([]) is None, 'empty'\n    try:\n        candidate(5)\n        assert False\n    \
                     except AttributeError:\n        pass\n";

pub(super) const SPECIMENS: &[Specimen] = &[
    calls("passed", "def f(a, b): return a + b", "(1, 2)", "3", "passed"),
    calls("equal across types", "def f(): return (1.0, {2: True})", "()", "(1, {2.0: 1})", "passed"),
    calls("wrong", "def f(): return [1]", "()", "(1,)", "wrong [1] != (1,)"),
    calls(
        "exception",
        "def g(): raise ValueError('x')\ndef f():\n    g()",
        "()",
        "1",
        "exception ValueError 1",
    ),
    calls("exception at load", "import math\nmath.sqrt(-1)", "()", "1", "exception ValueError 2"),
    calls("no such entry", "x = 1", "()", "1", "exception NameError -"),
    calls("syntax", "def f():\n    return (\n", "()", "1", "syntax 2"),
    calls("method", "class Solution:\n    def f(self, n): return n + 1", "(1,)", "2", "passed"),
    calls(
        "main guard",
        "def f(): return __name__\nif __name__ == '__main__': raise SystemExit",
        "()",
        "'candidate'",
        "passed",
    ),
    calls(
        "prints in a call",
        "import sys\ndef f():\n    print('passed' * 99); sys.stderr.write('x')\n    return 1",
        "()",
        "1",
        "passed",
    ),
    calls("empty stdin", "def f():\n    import sys\n    return sys.stdin.read()", "()", "''", "passed"),
    calls("timeout", "def f():\n    while True: pass", "()", "1", "timeout"),
    calls("timeout at load", "while True: pass", "()", "1", "timeout"),
    calls("memory", "def f(): return len(bytearray(1 << 30))", "()", "1", "memory"),
    calls("recursion", "def f(n): return f(n + 1)", "(0,)", "1", "exception RecursionError * | crashed"),
    calls("abort", "import os\ndef f(): os.abort()", "()", "1", "crashed"),
    calls("os._exit(0)", "import os\ndef f(): os._exit(0)", "()", "1", "no-answer"),
    calls("sys.exit(0)", "import sys\ndef f(): sys.exit(0)", "()", "1", "no-answer"),
    calls("SystemExit at load", "def f(): return 1\nraise SystemExit(0)", "()", "1", "no-answer"),
    calls("os._exit(3)", "import os\ndef f(): os._exit(3)", "()", "1", "exit 3"),
    calls(
        "atexit",
        "import atexit, os\natexit.register(os._exit, 0)\ndef f(): return 2",
        "()",
        "1",
        "wrong 2 != 1",
    ),
    calls("object", "def f(): return object()", "()", "1", "not-plain object"),
    calls("generator", "def f(): yield 1", "()", "[1]", "not-plain generator"),
    calls("cycle", "def f():\n    x = []\n    x.append(x)\n    return x", "()", "1", "not-plain cycle"),
    calls(
        "depth",
        "def f():\n    x = []\n    for _ in range(100): x = [x]\n    return x",
        "()",
        "1",
        "not-plain depth",
    ),
    calls("size", "def f(): return 'x' * (1 << 21)", "()", "1", "not-plain size"),
    calls("agreeable object", AGREEABLE, "()", "1", "not-plain A"),
    calls("agreeable str", AGREEABLE_STR, "()", "'right'", "wrong 'wrong' != 'right'"),
    calls(
        "base of a subclass",
        "import collections\ndef f(s): return collections.Counter(s)",
        "('aab',)",
        "{'a': 2, 'b': 1}",
        "passed",
    ),
    calls("patched builtins", PATCHED, "()", "[1, 3]", "wrong [1, 2] != [1, 3] | no-answer"),
    calls(
        "garbage on the channel",
        "import os\ndef f():\n    os.write(3, b'\\x01\\0\\0\\0T')\n    return 1",
        "()",
        "1",
        "no-answer",
    ),
    calls(
        "closed channel",
        "import os\ndef f():\n    os.close(3)\n    return 1",
        "()",
        "1",
        "no-answer | passed",
    ),
    calls("lone surrogate", "def f(): return '\\ud800'", "()", "'\\ud800'", "passed"),
    calls("large integer", "def f(n): return n * n", "(100000000000,)", "10000000000000000000000", "passed"),
    runs("output", "print(sum(map(int, input().split())))", "1 2 3\n", "6\n", "passed"),
    runs("wrong output", "print(1)", "", "2", "wrong 1\n != 2"),
    runs("status", "print(1)\nraise SystemExit(3)", "", "1", "exit 3"),
    runs("status 0 by hand", "import sys\nprint(1)\nsys.exit(0)", "", "1", "passed"),
    runs("leaves at once", "import os, sys\nprint(1)\nsys.stdout.flush()\nos._exit(0)", "", "1", "passed"),
    runs("no output", "import os\nprint(1)\nos._exit(0)", "", "1", "wrong *"),
    runs("uncaught", "print(1)\n1 / 0", "", "1", "exception ZeroDivisionError 2"),
    runs("does not compile", "print(1)\nprint(", "", "1", "syntax 2"),
    runs("closed stdout", "import sys\nprint(1)\nsys.stdout.close()", "", "1", "passed"),
    runs("atexit writes", "import atexit\natexit.register(print, 2)\nprint(1)", "", "1\n2", "passed"),
    runs("reads all", "import sys\nprint(len(sys.stdin.buffer.read()))", "é\n", "3", "passed"),
    runs("sleeps", "import time\ntime.sleep(100)", "", "1", "timeout"),
    runs("waits without end", "while True: pass", "", "1", "timeout"),
    runs("prints without end", "while True: print('x' * 10000)", "", "1", "output-limit"),
    runs(
        "errors without end",
        "import sys\nwhile True: sys.stderr.write('x' * 10000)",
        "",
        "1",
        "output-limit",
    ),
    runs("all memory", "x = [0]\nwhile True: x += x", "", "1", "memory"),
    tested("check", "def f(xs):\n    xs.sort()", CHECK, "check(candidate)", "passed"),
    tested(
        "check fails",
        "def f(xs):\n    xs.reverse()",
        CHECK,
        "check(candidate)",
        "wrong [2, 1, 3] != [1, 2, 3]",
    ),
    tested(
        "check raises",
        "def f(xs):\n    return xs / 0",
        CHECK,
        "check(candidate)",
        "exception TypeError 2",
    ),
    tested("assertion", "def f(n): return n", "", "assert f(2) == 3", "wrong 2 != 3"),
    tested("is True", "def f(n): return n", "", "assert f(1) is True", "wrong 1 != True"),
    tested("not", "def f(n): return n", "", "assert not f(0)", "passed"),
    tested("tolerance", "def f(n): return n / 3", "", "assert abs(f(1) - 0.333) < 1e-3", "passed"),
    tested("exits in a check", "import os\ndef f(xs): os._exit(0)", CHECK, "check(candidate)", "no-answer"),
    tested(
        "agreeable in a check",
        AGREEABLE_STR,
        "x = 'right'",
        "assert f() == x",
        "wrong 'wrong' != 'right'",
    ),
    tested("hangs in a check", "def f(xs):\n    while True: pass", CHECK, "check(candidate)", "timeout"),
];
