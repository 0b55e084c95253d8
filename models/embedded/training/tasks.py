"""Tasks: chains of operations and control families, as functions with a docstring, tests that were run, and splits."""

import copy
import hashlib
import random
from dataclasses import dataclass

import programs
from families import FAMILIES, Spec, indent
from operations import OPERATIONS

VISIBLE, HIDDEN = 3, 8
VALUE_CHARS = 90

WORDS = ("red apple stone river table moon dance silver panda tiger lamp eat on a stop level noon radar Rust Data code tree 42 7up x9 "
         "Ant sea note mad Anna civic blue Green door cat dogs It is the of and good idea Paris Berlin test 2024 hello World plum").split()
NAMES = "solve compute process transform f g run_all apply build handle work convert make task func calculate get_result change".split()
CHAIN_ARGUMENTS = {"L": ["xs", "nums", "a", "values", "items", "data", "numbers", "lst"], "S": ["s", "text", "t", "line", "string", "sentence"], "W": ["words", "names", "strings"]}
ANNOTATIONS = {"L": "List[int]", "L+": "List[int]", "pos": "List[int]", "sorted": "List[int]", "coins": "List[int]", "weights": "List[int]", "S": "str", "s": "str", "round": "str",
               "brackets": "str", "balanced": "str", "bits": "str", "W": "List[str]", "I": "int", "N": "int", "K": "int", "big": "int", "small": "int", "base": "int", "tiny": "int",
               "window": "int", "one": "int", "B": "bool", "D": "dict", "M": "List[List[int]]", "O": None, "T": "tuple", "P": "list", "nested": "list", "intervals": "List[List[int]]"}


@dataclass
class Task:
    name: str
    header: str          # imports and the line `def …:`
    says: str
    examples: list       # of (arguments, result), as source text
    hidden: list
    program: str
    key: tuple
    length: int          # operations of a chain, 0 for a family
    spec: object
    reads_input: bool = False


# ---- inputs

def integer_list(dice, low=None, high=None):
    size = dice.choice([0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 8])
    high = high or dice.choice([5, 10, 20, 30])
    low = low if low is not None else (-high // 2 if dice.random() < 0.6 else 0)
    return [dice.randint(low, high) for _ in range(size)]


def sentence(dice):
    if dice.random() < 0.04:
        return ""
    return " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 6)))


def nested(dice, depth=3):
    return [nested(dice, depth - 1) if depth and dice.random() < 0.35 else dice.randint(0, 9) for _ in range(dice.randint(1, 4))]


def bracketed(dice, kinds="()", balanced=False):
    if balanced or dice.random() < 0.6:
        open_, out = [], ""
        for _ in range(dice.randint(1, 5)):
            pair = dice.choice(["()", "[]", "{}"]) if len(kinds) > 2 else "()"
            out += pair[0]
            open_.append(pair[1])
            while open_ and dice.random() < 0.5:
                out += open_.pop()
        while open_:
            out += open_.pop()
        return out
    return "".join(dice.choice(kinds) for _ in range(dice.randint(0, 8)))


def matrix(dice):
    size = dice.randint(1, 4)
    return [[dice.randint(-9, 20) for _ in range(size)] for _ in range(size)]


def calls(dice, tells, asks):
    return [(tells if dice.random() < 0.6 else asks, dice.randint(0, 9)) for _ in range(dice.randint(1, 7))]


INPUTS = {
    "L": integer_list, "S": sentence, "I": lambda d: d.randint(-5, 25), "N": lambda d: d.randint(1, 40), "K": lambda d: d.randint(0, 9),
    "L+": lambda d: integer_list(d) or [d.randint(-9, 9)], "pos": lambda d: integer_list(d, 1), "sorted": lambda d: sorted(integer_list(d)),
    "coins": lambda d: sorted(d.sample([1, 2, 3, 4, 5, 7, 10], d.randint(1, 3))), "weights": lambda d: [d.randint(1, 15) for _ in range(d.randint(0, 6))],
    "s": lambda d: "".join(d.choice("abcde") for _ in range(d.randint(0, 6))) if d.random() < 0.6 else d.choice(WORDS),
    "round": lambda d: bracketed(d), "brackets": lambda d: bracketed(d, "()[]{}"), "balanced": lambda d: bracketed(d, balanced=True),
    "bits": lambda d: "".join(d.choice("01") for _ in range(d.randint(1, 8))), "W": lambda d: [d.choice(WORDS) for _ in range(d.choice([0, 1, 2, 3, 4, 5, 6]))],
    "big": lambda d: d.randint(0, 99999), "small": lambda d: d.randint(0, 5), "base": lambda d: d.randint(2, 9), "tiny": lambda d: d.randint(0, 5),
    "window": lambda d: d.randint(1, 4), "one": lambda d: d.randint(1, 6), "M": matrix, "nested": nested,
    "intervals": lambda d: [[a, a + d.randint(0, 6)] for a in (d.randint(0, 15) for _ in range(d.randint(0, 5)))],
    "D": lambda d: {w: d.randint(0, 15) for w in d.sample(WORDS, d.randint(0, 5))},
}


def draw(dice, kind):
    if kind.startswith("calls:"):
        return calls(dice, *kind.split(":")[1:])
    return INPUTS[kind](dice)


# ---- compositions

MIDDLE, LAST = {}, {}
for _name, _operation in OPERATIONS.items():
    (LAST if _operation.last else MIDDLE).setdefault(_operation.takes, []).append(_name)
SAME = {kind: [n for n in names if OPERATIONS[n].gives == kind] for kind, names in MIDDLE.items()}
JOINTS = ["then ", "then ", "after that ", "next, ", "and then ", "", "and "]


def is_held_out(key):
    """One composition in twelve, and only compositions: single steps are all seen in training."""
    return len(key) > 2 and int(hashlib.md5("|".join(map(str, key)).encode()).hexdigest(), 16) % 12 == 0


def wording(dice, operation, unseen):
    seen = operation.wordings[:-1] if len(operation.wordings) > 2 else operation.wordings
    return operation.wordings[-1] if unseen and dice.random() < 0.5 else dice.choice(seen)


VAGUE = ["change it as the examples show", "transform it", "apply the step that the examples show", "treat it as in the examples", "do something with it", "work on it"]
VAGUE_END = ["return what the examples show", "give the result as in the examples", "return the right thing", "return it as shown"]


def blurred(dice, phrase, last):
    """A wording that says little: vague, or with words missing. What is meant must be read off the examples."""
    if dice.random() < 0.4:
        return dice.choice(VAGUE_END if last else VAGUE)
    kept = [w for w in phrase.split() if dice.random() < 0.55]
    return " ".join(kept) or phrase.split()[0]


def chain(dice, length, unseen=False, vague=0.0):
    kind = dice.choice("LLLSSW")
    takes, names = kind, []
    if kind == "S" and length > 1 and dice.random() < 0.55:
        if length > 3 and dice.random() < 0.5:
            names.append(dice.choice(SAME["S"]))
        names.append("split")
        kind = "W"
    while len(names) < length - 1:
        step = dice.choice(SAME[kind])
        if not names or names[-1] != step:
            names.append(step)
    names.append(dice.choice(LAST[kind]))
    operations = [OPERATIONS[n] for n in names]
    values = [o.parameters(dice) for o in operations]
    phrases = [wording(dice, o, unseen).format(**v) for o, v in zip(operations, values)]
    if vague and dice.random() < vague:
        at = dice.randrange(len(phrases))
        phrases = [blurred(dice, p, i == len(phrases) - 1) if i == at or dice.random() < 0.25 else p for i, p in enumerate(phrases)]
    code = [line for o, v in zip(operations, values) for line in o.code.format(**v).split("\n")]
    argument = dice.choice(CHAIN_ARGUMENTS[takes])
    style = dice.random()
    if style < 0.55:
        says = phrases[0] + "".join(", " + dice.choice(JOINTS) + p for p in phrases[1:]) + "."
    elif style < 0.8:
        says = ". ".join(p[0].upper() + p[1:] for p in phrases) + "."
    else:
        opening = {"L": ["given a list of integers, ", "take a list of numbers: ", f"from the list {argument}, "], "S": ["given a text, ", "take a string: ", f"in the string {argument}, "], "W": ["given a list of words, ", "take a list of strings: ", f"from the words in {argument}, "]}
        says = dice.choice(opening[takes]) + phrases[0] + "".join(", " + dice.choice(JOINTS) + p for p in phrases[1:]) + "."
    plan = "; ".join(n.replace("_", " ") + "".join(f" {v}" for k, v in value.items() if k in "abkcds") for n, value in zip(names, values))
    body = f"result = {argument}\n" + "\n".join(code)
    spec = Spec(tuple(names), [(argument, takes)], operations[-1].gives, says[0].upper() + says[1:], plan, body, names=NAMES)
    return spec, list(zip(names, values))


def control(dice):
    build = dice.choices([f for f, _ in FAMILIES], [w for _, w in FAMILIES])[0]
    return build(dice)


# ---- from a composition to a task

def program(name, spec):
    """The reference program: helpers, header, the plan as a comment, the body."""
    arguments = ", ".join(n for n, _ in spec.arguments)
    helpers = spec.helpers.replace("\n\n\n", "\n\n").rstrip("\n")
    body = spec.body.replace("FUNCTION", name)
    return (helpers + "\n\n" if helpers else "") + f"def {name}({arguments}):\n" + indent(body)


OPENINGS = ["Write a function to ", "Write a Python function to ", "Implement a function to ", "Your task is to ", "Please ", "You need to "]


def opened(dice, says):
    """The statement, sometimes with an opening before its first verb."""
    verb = says.split(" ", 1)[0]
    if dice.random() < 0.12 and verb in VERBS:
        return dice.choice(OPENINGS) + says[0].lower() + says[1:]
    return says


VERBS = set("Return Count Find Tell Add Keep Drop Replace Sort Remove Take Multiply Map Collect Group Reverse Convert Square Cap Merge Compute Order Select Skip Turn Filter".split())


def header(dice, name, spec):
    if dice.random() < 0.5:
        return "", f"def {name}({', '.join(n for n, _ in spec.arguments)}):"
    modern = dice.random() < 0.5
    def annotation(kind):
        text = "list" if kind.startswith("calls") else ANNOTATIONS[kind]
        return text.replace("List", "list") if modern and text else text
    arguments = ", ".join(f"{n}: {annotation(k)}" for n, k in spec.arguments)
    gives = annotation(spec.gives)
    if spec.gives == "L" and spec.key[-1] == "pairs" or spec.gives == "W" and "length" in spec.key:
        gives = "list"
    line = f"def {name}({arguments})" + (f" -> {gives}:" if gives else ":")
    return ("from typing import List\n\n" if "List[" in line and dice.random() < 0.7 else ""), line


def run(source, name, inputs):
    """The results of calling `name` on copies of the inputs, as source text. Raises what the program raises."""
    namespace = {}
    exec(compile(source, "<program>", "exec"), namespace)
    return [repr(namespace[name](*copy.deepcopy(i))) for i in inputs]


def make(dice, split="train", length=None, unseen=False, control_share=0.5, vague=0.0):
    """A task of the split: `train`, or `held` (held-out compositions). A share `vague` of the statements says too little."""
    while True:
        if length is None and dice.random() < control_share:
            spec, steps, size = control(dice), None, 0
            if dice.random() < vague / 2:
                spec.says = " ".join(w for w in spec.says.split() if dice.random() < 0.7) or spec.says
        else:
            size = length or dice.choice([1, 2, 2, 3, 3, 3, 4, 4])
            spec, steps = chain(dice, size, unseen, vague)
        if length is None and dice.random() < 0.006:
            spec, steps, size = programs.word_count(dice), None, 0
            task = build_program(dice, *spec)
            if task and split == "train":
                return task
            continue
        held = is_held_out(spec.key)
        if (split == "train") == held and not (split == "held" and size > 4):
            continue
        whole = programs.can_be_program(spec) and dice.random() < 0.12
        task = build_program(dice, spec, None, size, steps) if whole else build(dice, spec, size, steps)
        if task:
            return task


def build_program(dice, spec, tail=None, size=0, steps=None):
    """A task that reads standard input, or None if the drawn inputs tell too little."""
    function = program("solve", spec)
    kind = spec.arguments[0][1]
    values = [draw(dice, kind) for _ in range(16)]
    try:
        namespace = {}
        exec(compile(function, "<program>", "exec"), namespace)
        results = [namespace["solve"](copy.deepcopy(v)) for v in values]
    except Exception:
        return None
    if tail:
        says, source = spec.says, f"import sys\n\n{function}\n{tail}"
        outputs = ["".join(f"{w} {c}\n" for w, c in r) for r in results]
    else:
        says, source = programs.as_program(dice, spec, function)
        outputs = [programs.as_output(spec.gives, r) for r in results]
    tests = {programs.as_input(kind, v): o for v, o in zip(values, outputs) if o is not None and len(o) <= VALUE_CHARS and len(repr(v)) <= VALUE_CHARS}
    tests = sorted(tests.items(), key=lambda t: (len(t[0]) < 8, len(t[0]) + len(t[1])))
    if len(tests) < 6 or len({o for _, o in tests}) < (2 if spec.gives == "B" else 3):
        return None
    visible = tests[:2] + ([t for t in tests[2:] if t[0] == "\n"][:1] if dice.random() < 0.4 else [])
    hidden = [t for t in tests if t not in visible][:HIDDEN]
    return Task("", "", says, visible, hidden, source, spec.key, size, (spec, steps), True)


def build(dice, spec, size, steps):
    name = dice.choice(spec.names or NAMES) if dice.random() < 0.75 else dice.choice(NAMES)
    source = program(name, spec)
    inputs, seen = [], set()
    for _ in range(60):
        values = tuple(draw(dice, k) for _, k in spec.arguments)
        if repr(values) not in seen and len(repr(values)) <= VALUE_CHARS:
            seen.add(repr(values))
            inputs.append(values)
        if len(inputs) == VISIBLE + HIDDEN + 3:
            break
    try:
        results = run(source, name, inputs)
    except Exception:
        return None
    tests = [(", ".join(map(repr, i)), r) for i, r in zip(inputs, results) if len(r) <= VALUE_CHARS]
    if len(tests) < 7 or len({r for _, r in tests}) < (2 if spec.gives == "B" else 3):
        return None
    # Telling examples first: neither empty nor long, and not the same answer thrice.
    tests.sort(key=lambda t: (len(t[0]) < 8, len(t[0]) + len(t[1])))
    visible = tests[: dice.choice([2, 2, 3, 3, 4])]
    if len({r for _, r in visible}) == 1:
        other = next((t for t in tests if t[1] != visible[0][1]), None)
        visible[-1] = other
    if dice.random() < 0.35:
        edge = next((t for t in tests if t[0] in ("[]", "''", "0", "{}", "[], []")), None)
        if edge and edge not in visible:
            visible.append(edge)
    hidden = [t for t in tests if t not in visible][:HIDDEN]
    imports, line = header(dice, name, spec)
    return Task(name, imports + line, opened(dice, spec.says), visible, hidden, source, spec.key, size, (spec, steps))


# ---- surfaces

def stub(dice, task):
    """The problem as code to complete: header and docstring, examples in one of several layouts."""
    if task.reads_input:
        return program_stub(task)
    quote = '"""' if dice.random() < 0.85 else "'''"
    says = task.says
    shown = task.examples
    layout = dice.random()
    if layout < 0.5 or not shown:
        lines = [f">>> {task.name}({a})\n{r}" for a, r in shown]
        body = says + "\n" + "\n".join(lines)
    elif layout < 0.62:
        body = says + "\n\nExamples:\n" + "\n".join(f"{task.name}({a}) == {r}" for a, r in shown)
    elif layout < 0.74:
        body = says + "\n\nExamples:\n\n" + "\n".join(f"{task.name}({a}) == {r}" for a, r in shown)
    elif layout < 0.82:
        body = says + "\nFor example:\n" + "\n".join(f"{task.name}({a}) returns {r}" for a, r in shown)
    elif layout < 0.9:
        body = says + "\n" + "\n".join(f"{task.name}({a}) => {r}" for a, r in shown)
    elif layout < 0.95:
        body = says + "\n\n" + "\n\n".join(f">>> {task.name}({a})\n{r}" for a, r in shown)
    else:
        body = says
    gap = " " if dice.random() < 0.4 else ""
    text = quote + gap + body
    lines = text.split("\n")
    return task.header + "\n" + "".join(f"    {l}\n" if l else "\n" for l in lines) + f"    {quote}\n"


def program_stub(task):
    """The problem of a whole program: a docstring with inputs and outputs."""
    shown = "".join(f"\nInput:\n{i}Output:\n{o}" for i, o in task.examples)
    return f'"""{task.says}\n{shown}"""\n'


def problem(task, identity):
    """The task as a problem file of the project; its reader writes the examples behind the statement."""
    if task.reads_input:
        entry = {"kind": "stdio"}
    else:
        entry = {"kind": "function", "name": task.name, "signature": task.header.split("\n")[-1].rstrip(":")}
    test = (lambda a, r: {"in": a, "out": r}) if task.reads_input else (lambda a, r: {"in": f"[{a}]", "out": r})
    return {"v": 1, "id": identity, "prompt": task.says, "language": "python", "entry": entry, "starter": "",
            "public_tests": [test(a, r) for a, r in task.examples], "hidden_tests": [test(a, r) for a, r in task.hidden],
            "checker": {"kind": "exact"}, "limits": {"time_s": 2.0, "memory_mib": 256}}


if __name__ == "__main__":
    import collections, time
    dice = random.Random(1)
    start, kinds = time.time(), collections.Counter()
    for i in range(2000):
        t = make(dice)
        kinds[t.length or t.key[0]] += 1
    print("tasks/s", 2000 / (time.time() - start), kinds)
    for _ in range(6):
        t = make(dice, "held")
        print(stub(dice, t), t.program, "# plan:", t.spec[0].plan, sep="\n")
