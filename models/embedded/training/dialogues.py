"""Dialogues: what the model reads and writes, turn by turn.

    <|start|>stub<|answer|># plan
    program<|end|>
    <|start|>stub<|answer|>wrong program<|end|><|feedback|>what its tests say<|answer|># plan
    program<|end|>

The product renders its questions into exactly these turns; a plan alone is an answer that is stopped after its first line.
"""

import io
import random
import re
import signal
import sys

import tasks
from operations import OPERATIONS

START, ANSWER, FEEDBACK, END, PAD = "<|start|>", "<|answer|>", "<|feedback|>", "<|end|>", "<|pad|>"
SPECIAL = [PAD, START, ANSWER, FEEDBACK, END]
FAILED_SHOWN = 4
SECONDS = 1


class TooSlow(BaseException):
    pass


def too_slow(*_):
    raise TooSlow


def answer(task):
    return f"# {task.spec[0].plan}\n{task.program}"


def prompt(stub):
    return f"{START}{stub}{ANSWER}"


def repair_prompt(stub, wrong, feedback):
    return f"{START}{stub}{ANSWER}{wrong}{END}{FEEDBACK}{feedback}{ANSWER}"


def outcome(namespace, name, arguments):
    """What a call does: ("value", text) or ("error", text)."""
    try:
        return "value", repr(eval(f"{name}({arguments})", namespace))
    except Exception as error:
        return "error", f"{type(error).__name__}: {error}"[:80]


def printed(code, text):
    """What a whole program prints for an input."""
    reads, writes = sys.stdin, sys.stdout
    sys.stdin, sys.stdout = io.StringIO(text), io.StringIO()
    try:
        exec(code, {"__name__": "__main__"})
        return "value", sys.stdout.getvalue()
    except Exception as error:
        return "error", f"{type(error).__name__}: {error}"[:80]
    finally:
        sys.stdin, sys.stdout = reads, writes


def feedback(source, name, examples):
    """What the failed examples say, or None if all pass."""
    previous = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    lines, at = [], 0
    try:
        namespace = {}
        try:
            code = compile(source, "<program>", "exec")
            if name:
                exec(code, namespace)
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:90] + "\n"
        for at, (arguments, expected) in enumerate(examples):
            kind, got = outcome(namespace, name, arguments) if name else printed(code, arguments)
            if not name:
                if kind == "error":
                    lines.append(f"input {arguments!r} raised {got}, expected {expected!r}")
                elif got.split() != expected.split():
                    lines.append(f"input {arguments!r} printed {got[:tasks.VALUE_CHARS]!r}, expected {expected!r}")
                continue
            if kind == "error":
                lines.append(f"{name}({arguments}) raised {got}, expected {expected}")
            elif got != expected:
                lines.append(f"{name}({arguments}) returned {got[:tasks.VALUE_CHARS]}, expected {expected}")
    except TooSlow:
        arguments, expected = examples[min(at, len(examples) - 1)]
        arguments = f"{name}({arguments})" if name else f"input {arguments!r}"
        lines.append(f"{arguments} took too long, expected {expected}")
    except BaseException as error:
        return f"{type(error).__name__}\n"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    return "\n".join(lines[:FAILED_SHOWN]) + "\n" if lines else None


def passes(source, name, tests):
    return feedback(source, name, tests) is None


SWAPS = [(" > ", " >= "), (" >= ", " > "), (" < ", " <= "), (" <= ", " < "), (" == ", " != "), (" != ", " == "), (" + ", " - "), (" - ", " + "), ("max(", "min("), ("min(", "max("),
         ("[0]", "[-1]"), ("[-1]", "[0]"), (" and ", " or "), ("range(1, ", "range("), ("range(", "range(1, "), ("[1:]", "[:-1]"), ("[::-1]", "[:]"), (" += ", " = "), ("sorted(", "list("),
         (" // ", " % "), (" % ", " // "), ("return 0", "return 1"), ("return []", "return None"), ("upper", "lower"), ("lower", "upper"), ("sum(", "len("), ("append", "extend"), ("* ", "+ ")]


def mutated_text(dice, source):
    """A program with one thing changed: an operator, a constant, a line less."""
    choice = dice.random()
    if choice < 0.55:
        usable = [s for s in SWAPS if s[0] in source]
        if usable:
            old, new = dice.choice(usable)
            places = [m.start() for m in re.finditer(re.escape(old), source)]
            at = dice.choice(places)
            return source[:at] + new + source[at + len(old):]
    if choice < 0.8:
        places = list(re.finditer(r"(?<![\w.])\d+", source))
        if places:
            m = dice.choice(places)
            return source[: m.start()] + str(max(0, int(m.group()) + dice.choice([-2, -1, 1, 2]))) + source[m.end():]
    lines = source.split("\n")
    inner = [i for i, l in enumerate(lines) if l.startswith("    ") and "return" not in l]
    if inner:
        del lines[dice.choice(inner)]
    return "\n".join(lines)


def mutated_chain(dice, spec, steps):
    """A chain with a step dropped, exchanged, swapped or with other constants; the plan and the program of it."""
    steps = list(steps)
    inner = len(steps) - 1
    kind = dice.choice(["drop", "other", "constant", "swap", "last"])
    if kind == "drop" and inner:
        at = dice.randrange(inner)
        if OPERATIONS[steps[at][0]].gives == OPERATIONS[steps[at][0]].takes:
            del steps[at]
    elif kind == "other" and inner:
        at = dice.randrange(inner)
        takes, gives = OPERATIONS[steps[at][0]].takes, OPERATIONS[steps[at][0]].gives
        if takes == gives:
            name = dice.choice(tasks.SAME[takes])
            steps[at] = (name, OPERATIONS[name].parameters(dice))
    elif kind == "swap" and inner > 1:
        at = dice.randrange(inner - 1)
        a, b = steps[at], steps[at + 1]
        if OPERATIONS[a[0]].takes == OPERATIONS[a[0]].gives == OPERATIONS[b[0]].takes == OPERATIONS[b[0]].gives:
            steps[at], steps[at + 1] = b, a
    elif kind == "last":
        name = dice.choice(tasks.LAST[OPERATIONS[steps[-1][0]].takes])
        steps[-1] = (name, OPERATIONS[name].parameters(dice))
    else:
        at = dice.randrange(len(steps))
        steps[at] = (steps[at][0], OPERATIONS[steps[at][0]].parameters(dice))
    argument = spec.arguments[0][0]
    code = [line for name, values in steps for line in OPERATIONS[name].code.format(**values).split("\n")]
    return "\n".join(f"    {line}" for line in [f"result = {argument}"] + code)


def wrong_attempt(dice, task):
    """A program that is nearly right and fails a visible example, with what its tests say; None if none was found."""
    spec, steps = task.spec
    for _ in range(4):
        if steps and not task.reads_input and dice.random() < 0.7:
            source = task.program.split("\n")[0] + "\n" + mutated_chain(dice, spec, steps) + "\n"
        else:
            source = mutated_text(dice, task.program)
        said = feedback(source, task.name, task.examples)
        if said:
            plan = f"# {spec.plan}\n" if dice.random() < 0.6 else ""
            return plan + source, said
    return None


VAGUE_SHARE = 0.45


def dialogue(dice, share_of_repairs=0.3):
    """A training dialogue: what is read and what is to be written."""
    task = tasks.make(dice, vague=VAGUE_SHARE)
    stub = tasks.stub(dice, task)
    if dice.random() < share_of_repairs:
        wrong = wrong_attempt(dice, task)
        if wrong:
            return repair_prompt(stub, *wrong), answer(task) + END
    return prompt(stub), answer(task) + END


if __name__ == "__main__":
    dice = random.Random(3)
    for _ in range(8):
        print(*dialogue(dice, 0.6), sep="", end="\n=====\n")
