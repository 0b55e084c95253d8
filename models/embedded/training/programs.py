"""Whole programs: tasks that read standard input and print, made of the same compositions."""

from families import Spec

READS = {
    "L": (["Read integers separated by spaces from standard input.", "The input is one line of integers.", "Standard input holds numbers separated by white space."], "[int(x) for x in sys.stdin.read().split()]"),
    "S": (["Read one line of text from standard input.", "The input is a line of text.", "Standard input holds one line."], 'sys.stdin.readline().rstrip("\\n")'),
    "W": (["Read words separated by spaces from standard input.", "The input is words separated by white space.", "Standard input holds words."], "sys.stdin.read().split()"),
}
PRINTS = {
    "I": (["Print the result.", "Print it."], "print({})"),
    "S": (["Print the result.", "Print it."], "print({})"),
    "B": (["Print True or False.", "Print the answer as True or False."], "print({})"),
    "L": (["Print the resulting elements separated by spaces.", "Print the list on one line with spaces in between."], 'print(" ".join(str(x) for x in {}))'),
    "W": (["Print the words separated by spaces.", "Print them on one line with spaces in between."], 'print(" ".join({}))'),
    "D": (["Print one line `key value` for each entry, sorted by key.", "Print every entry on a line of its own as `key value`, in order of the keys."], "for key, value in sorted({}.items()):\n    print(key, value)"),
}


def can_be_program(spec):
    return len(spec.arguments) == 1 and spec.arguments[0][1] in READS and spec.gives in PRINTS and "pairs" not in spec.key and "lengths" not in spec.key[-1:] and "map" not in spec.key


def as_input(kind, value):
    return (value if kind == "S" else " ".join(map(str, value))) + "\n"


def as_output(kind, value):
    if kind == "D":
        if any(isinstance(v, list) for v in value.values()):
            return None
        try:
            return "".join(f"{k} {v}\n" for k, v in sorted(value.items()))
        except TypeError:
            return None
    return (" ".join(map(str, value)) if kind in "LW" else str(value)) + "\n"


def as_program(dice, spec, function):
    """The statement and the source of a whole program around a function."""
    argument, kind = spec.arguments[0]
    reads, read = READS[kind]
    prints, printing = PRINTS[spec.gives]
    says = f"{dice.choice(reads)} {spec.says} {dice.choice(prints)}"
    return says, f"import sys\n\n{function}\n{printing.format(f'solve({read})')}\n"


WORD_COUNT = ("Read text from standard input and print each distinct word with its number of occurrences, one word a line, as `word count`. Words are separated by white space and compared without regard to case; print them in lower case. Print the most frequent words first, and words of equal frequency in alphabetical order. Print nothing for an empty input.",
              "Read text from standard input. Count the words without regard to case, and print a line `word count` for each in lower case, the most frequent first, equal ones in alphabetical order.")


def word_count(dice):
    body = "counts = {}\nfor w in words:\n    w = w.lower()\n    counts[w] = counts.get(w, 0) + 1\nreturn sorted(counts.items(), key=lambda item: (-item[1], item[0]))"
    spec = Spec(("program", "word count"), [("words", "W")], "C", dice.choice(WORD_COUNT), "count words in lower case; sort by count down, word", body, names=["solve"])
    tail = "for word, count in solve(sys.stdin.read().split()):\n    print(word, count)\n"
    return spec, tail
