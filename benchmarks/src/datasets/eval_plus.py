"""The comparison of evalplus 0.3.1: `judge` calls the candidate and the reference with each input. Runs where the tests are;
the candidate is elsewhere, behind `eval_plus_candidate.py`."""

import copy
import json
import math


def load(source, name):
    """The function `name` of a program, in a namespace of its own: here the name stands for the candidate."""
    space = {"__name__": "reference"}
    exec(compile(source, "reference.py", "exec"), space)
    return space[name]


def judge(name, task, atol, inputs):
    is_presence = bool(task) and name in ANSWERS_THAT_ARE_THERE
    for arguments in restored(task, json.loads(inputs)):
        expected = reference(*copy.deepcopy(arguments))
        kind, actual = candidate(name, copy.deepcopy(arguments), is_presence)
        if kind == "digest":
            expected = codeagent_digest(expected)
            assert actual == expected
            continue
        if is_presence:
            expected = expected is not None
        if not is_right(name, task, arguments, actual, expected, atol):
            assert actual == expected
            raise AssertionError("not as evalplus wants it")


def is_right(name, task, arguments, actual, expected, atol):
    if name == "find_zero" and not task:
        return abs(sum(factor * math.pow(actual, power) for power, factor in enumerate(arguments[0]))) <= atol
    if task and name in ANSWERS_AS_SETS:
        exact = set(actual) == set(expected)
    else:
        other = OTHER_RIGHTS.get(name) if task else None
        exact = actual == expected or other is not None and other(actual, atol, *arguments)
    if exact:
        return True
    # Floats are never compared without a tolerance.
    tolerance = atol or (1e-6 if is_floats(expected) else 0)
    return tolerance != 0 and type(actual) is type(expected) and is_close(actual, expected, tolerance)


def is_floats(value):
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def is_close(actual, expected, tolerance):
    """As numpy's `allclose` with a relative tolerance of 1e-7, for numbers and nested lists of them."""
    if isinstance(expected, (list, tuple)):
        pairs = zip(actual, expected)
        return len(actual) == len(expected) and all(is_close(*pair, tolerance) for pair in pairs)
    if actual == expected:
        return True
    return abs(actual - expected) <= tolerance + 1e-7 * abs(expected) < math.inf


# Functions of MBPP whose answers evalplus compares otherwise.
ANSWERS_AS_SETS = {
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum", "intersection_array",
    "find_dissimilar", "Diff",
}  # fmt: skip
ANSWERS_THAT_ARE_THERE = {"check_str", "text_match_three", "text_starta_endb"}


def _distance_of_digits(first, second):
    width = max(len(str(first)), len(str(second)))
    pairs = zip(str(first).zfill(width), str(second).zfill(width))
    return sum(abs(int(a) - int(b)) for a, b in pairs)


def _surface_of_pyramid(base, height):
    return round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))


OTHER_RIGHTS = {
    "are_equivalent": lambda actual, atol, *_: True,
    "sum_div": lambda actual, atol, *_: actual == 0,
    "digit_distance_nums": lambda actual, atol, first, second: actual == _distance_of_digits(first, second),
    "surface_Area": lambda actual, atol, base, height: abs(actual - _surface_of_pyramid(base, height)) <= atol,
}


# What JSON lost of MBPP's inputs: which lists were tuples, sets or complex numbers, by the numbers of the tasks.


def _tuples(value, depth):
    """Lists `depth` levels below the arguments become tuples; with no depth all of them."""
    if not isinstance(value, list):
        return value
    if depth is None:
        return tuple(_tuples(item, None) for item in value)
    return tuple(value) if depth == 0 else [_tuples(item, depth - 1) for item in value]


def _first(change):
    return lambda arguments: [change(arguments[0]), *arguments[1:]]


def _all(change):
    return lambda arguments: [change(argument) for argument in arguments]


_CHANGES = [
    (_all(tuple), {2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809}),
    (_all(lambda it: _tuples(it, 1)), {63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780}),
    (_first(lambda it: _tuples(it, 1)), {75, 413, 444, 753}),
    (lambda it: [it[0], tuple(it[1])], {106, 750}),
    (_first(lambda it: [set(item) if isinstance(item, list) and item else {} for item in it]), {115}),
    (lambda it: [float(it[0]), complex(it[1])], {124}),
    (_first(tuple), {250, 307, 405, 446, 617, 720, 763, 808}),
    (_all(lambda it: tuple(_tuples(it, 1))), {259, 278, 401, 445}),
    (_first(lambda it: {key: tuple(value) for key, value in it.items()}), {722}),
    (lambda it: [complex(it[0])], {252}),
    (lambda it: _tuples(it, None), {580, 615, 791}),
]  # fmt: skip


def restored(task, inputs):
    for change, tasks in _CHANGES:
        if task in tasks:
            return [change(arguments) for arguments in inputs]
    return inputs
