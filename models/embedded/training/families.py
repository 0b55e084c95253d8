"""Control families: loops, two pointers, nested lists, recursion, strings, dictionaries, dynamic programming, classes.

A family gives a `Spec`: what the function is called on, what it is to do in words, the plan and the code. The components
named in `key` decide whether a composition is held out.
"""

from dataclasses import dataclass, field

from operations import LETTERS, MAPS, PREDICATES, small


@dataclass
class Spec:
    key: tuple
    arguments: list  # of (name, type)
    gives: str
    says: str
    plan: str
    body: str
    helpers: str = ""
    names: list = field(default_factory=list)


FAMILIES = []


def family(weight=1.0):
    def add(build):
        FAMILIES.append((build, weight))
        return build
    return add


def choose(dice, table):
    name = dice.choice(list(table))
    words, expression, parameters = table[name]
    values = parameters(dice)
    return name, dice.choice(words).format(**values), expression.format(**values)


def one(dice, *texts):
    return dice.choice(texts)


NUMBERS = ["nums", "numbers", "values", "xs", "items", "data", "lst", "arr", "l"]
TEXTS = ["s", "text", "string", "line", "word", "t"]
WORD_LISTS = ["words", "names", "strings", "items"]
ONE = ["n", "number", "num", "x", "value"]


def numbers(dice):
    return dice.choice(NUMBERS)


# ---- loops with accumulator and condition

@family(3)
def fold(dice):
    p, adjective, test = choose(dice, PREDICATES)
    m, noun, expression = choose(dice, MAPS)
    xs = numbers(dice)
    a = dice.choice(["sum", "count", "largest", "smallest", "product"])
    if a == "count":
        says = one(dice, f"Count the elements of {xs} that are {adjective}.", f"Return how many numbers in {xs} are {adjective}.")
        body = f"count = 0\nfor x in {xs}:\n    if {test}:\n        count += 1\nreturn count"
        return Spec(("fold", a, p), [(xs, "L")], "I", says, f"loop, count if {test}", body, names=["count_if", "how_many", "count_matching"])
    if a == "sum":
        says = one(dice, f"For every element of {xs} that is {adjective}, take {noun}, and return the sum.", f"Return the sum over the numbers in {xs} that are {adjective} of {noun}.")
        body = f"total = 0\nfor x in {xs}:\n    if {test}:\n        total += {expression}\nreturn total"
        return Spec(("fold", a, p, m), [(xs, "L")], "I", says, f"loop, add {expression} if {test}", body, names=["total_of", "sum_where", "add_matching"])
    if a == "product":
        says = one(dice, f"Return the product of the elements of {xs} that are {adjective}, 1 if there are none.", f"Multiply together the numbers in {xs} that are {adjective}. The product of nothing is 1.")
        body = f"product = 1\nfor x in {xs}:\n    if {test}:\n        product *= x\nreturn product"
        return Spec(("fold", a, p), [(xs, "L")], "I", says, f"loop, multiply if {test}", body, names=["product_where", "multiply_matching"])
    sign = ">" if a == "largest" else "<"
    says = one(dice, f"Return the {a} element of {xs} that is {adjective}, or None if there is none.", f"Find the {a} of the numbers in {xs} that are {adjective}. Return None if no number is.")
    body = f"best = None\nfor x in {xs}:\n    if {test} and (best is None or x {sign} best):\n        best = x\nreturn best"
    return Spec(("fold", a, p), [(xs, "L")], "O", says, f"loop, keep {a} if {test}", body, names=[f"{a}_where", f"find_{a}", f"{a}_matching"])


@family(2)
def choose_map(dice):
    p, adjective, test = choose(dice, PREDICATES)
    m, noun, expression = choose(dice, MAPS)
    o, other_noun, other = choose(dice, MAPS)
    xs = numbers(dice)
    if dice.random() < 0.5:
        says = one(dice, f"Return a list in which every number of {xs} that is {adjective} is replaced by {noun}, and the others stay as they are.", f"Replace the elements of {xs} that are {adjective} by {noun} and leave the rest unchanged.")
        return Spec(("choose", p, m), [(xs, "L")], "L", says, f"{expression} if {test} else x", f"return [{expression} if {test} else x for x in {xs}]", names=["replace_where", "change_some", "transform_matching"])
    says = one(dice, f"Return a list in which every number of {xs} that is {adjective} is replaced by {noun}, and every other by {other_noun}.", f"Map each element of {xs} to {noun} if it is {adjective}, otherwise to {other_noun}.")
    return Spec(("choose", p, m, o), [(xs, "L")], "L", says, f"{expression} if {test} else {other}", f"return [{expression} if {test} else {other} for x in {xs}]", names=["map_by", "two_ways", "transform_each"])


@family()
def until(dice):
    p, adjective, test = choose(dice, PREDICATES)
    xs = numbers(dice)
    kind = dice.choice(["before", "from", "index", "sum"])
    if kind == "before":
        says = one(dice, f"Return the elements of {xs} before the first one that is {adjective}.", f"Collect numbers of {xs} until one is {adjective}; that one is left out.")
        body = f"out = []\nfor x in {xs}:\n    if {test}:\n        break\n    out.append(x)\nreturn out"
        return Spec(("until", kind, p), [(xs, "L")], "L", says, f"collect until {test}", body, names=["before_first", "take_until"])
    if kind == "from":
        says = one(dice, f"Return the elements of {xs} from the first one that is {adjective} on.", f"Drop numbers of {xs} until one is {adjective}; that one and all after it are kept.")
        body = f"for i, x in enumerate({xs}):\n    if {test}:\n        return {xs}[i:]\nreturn []"
        return Spec(("until", kind, p), [(xs, "L")], "L", says, f"rest from first {test}", body, names=["from_first", "drop_until"])
    if kind == "index":
        says = one(dice, f"Return the index of the first element of {xs} that is {adjective}, or -1 if there is none.", f"Find where in {xs} a number that is {adjective} first occurs. Return -1 if it does not.")
        body = f"for i, x in enumerate({xs}):\n    if {test}:\n        return i\nreturn -1"
        return Spec(("until", kind, p), [(xs, "L")], "I", says, f"index of first {test}", body, names=["first_index", "find_index", "position_of"])
    says = one(dice, f"Add up the elements of {xs} and stop before the first one that is {adjective}.", f"Return the sum of the numbers in {xs} that come before the first one that is {adjective}.")
    body = f"total = 0\nfor x in {xs}:\n    if {test}:\n        break\n    total += x\nreturn total"
    return Spec(("until", kind, p), [(xs, "L")], "I", says, f"sum until {test}", body, names=["sum_until", "total_before"])


@family()
def longest_run(dice):
    xs = numbers(dice)
    kind = dice.choice(["equal", "rising", "falling", "pred"])
    names = ["longest_run", "longest_streak", "max_run"]
    if kind == "pred":
        p, adjective, test = choose(dice, PREDICATES)
        says = one(dice, f"Return the length of the longest run of neighbouring elements of {xs} that are all {adjective}.", f"Find the longest streak of numbers in {xs} that are {adjective}, and return its length.")
        body = f"best = run = 0\nfor x in {xs}:\n    run = run + 1 if {test} else 0\n    best = max(best, run)\nreturn best"
        return Spec(("run", p), [(xs, "L")], "I", says, f"longest run of {test}", body, names=names)
    test = {"equal": "==", "rising": "<", "falling": ">"}[kind]
    words = {"equal": "equal", "rising": "strictly increasing", "falling": "strictly decreasing"}[kind]
    says = one(dice, f"Return the length of the longest run of {words} neighbouring elements of {xs}, 0 for an empty list.", f"Find the longest {words} contiguous part of {xs} and return its length. An empty list gives 0.")
    body = f"if not {xs}:\n    return 0\nbest = run = 1\nfor a, b in zip({xs}, {xs}[1:]):\n    run = run + 1 if a {test} b else 1\n    best = max(best, run)\nreturn best"
    return Spec(("run", kind), [(xs, "L")], "I", says, f"longest {words} run", body, names=names)


@family()
def count_pairs(dice):
    xs = numbers(dice)
    kind = dice.choice(["sum", "difference", "order", "equal"])
    k = dice.randint(0, 12)
    tests = {"sum": (f"{xs}[i] + {xs}[j] == {k}", f"whose sum is {k}"), "difference": (f"abs({xs}[i] - {xs}[j]) == {k}", f"whose difference is {k}"),
             "order": (f"{xs}[i] > {xs}[j]", "where the earlier number is greater than the later one"), "equal": (f"{xs}[i] == {xs}[j]", "of equal numbers")}
    test, words = tests[kind]
    if dice.random() < 0.3:
        says = one(dice, f"Return whether there are two elements at different places of {xs} {words}.", f"Tell if {xs} holds a pair {words}.")
        body = f"for i in range(len({xs})):\n    for j in range(i + 1, len({xs})):\n        if {test}:\n            return True\nreturn False"
        return Spec(("pairs", kind, "any"), [(xs, "L")], "B", says, f"any pair with {test}", body, names=["has_pair", "pair_exists"])
    says = one(dice, f"Count the pairs of elements at different places of {xs} {words}.", f"Return how many pairs of places in {xs} there are {words}.")
    body = f"count = 0\nfor i in range(len({xs})):\n    for j in range(i + 1, len({xs})):\n        if {test}:\n            count += 1\nreturn count"
    return Spec(("pairs", kind), [(xs, "L")], "I", says, f"count pairs with {test}", body, names=["count_pairs", "pairs_with", "number_of_pairs"])


# ---- two lists, two pointers

@family(2)
def two_lists(dice):
    a, b = dice.choice([("a", "b"), ("xs", "ys"), ("first", "second"), ("left", "right"), ("l1", "l2")])
    forms = {
        "add": (f"Add the lists {a} and {b} element by element, up to the length of the shorter one.", f"[x + y for x, y in zip({a}, {b})]", "L"),
        "multiply": (f"Multiply the lists {a} and {b} element by element, up to the length of the shorter one.", f"[x * y for x, y in zip({a}, {b})]", "L"),
        "maximum": (f"Return the larger of each pair of elements of {a} and {b} at the same place, up to the length of the shorter one.", f"[max(x, y) for x, y in zip({a}, {b})]", "L"),
        "differences": (f"Return the absolute differences of the elements of {a} and {b} at the same places.", f"[abs(x - y) for x, y in zip({a}, {b})]", "L"),
        "dot": (f"Return the dot product of {a} and {b}: the sum of the products of elements at the same place.", f"sum(x * y for x, y in zip({a}, {b}))", "I"),
        "common": (f"Return the elements of {a} that are also in {b}, in their order in {a}.", f"[x for x in {a} if x in {b}]", "L"),
        "only": (f"Return the elements of {a} that are not in {b}, in their order in {a}.", f"[x for x in {a} if x not in {b}]", "L"),
        "common_sorted": (f"Return the sorted list of the distinct elements that {a} and {b} have in common.", f"sorted(set({a}) & set({b}))", "L"),
        "union_sorted": (f"Return the sorted list of all distinct elements of {a} and {b}.", f"sorted(set({a}) | set({b}))", "L"),
        "either": (f"Return the sorted list of the elements that are in exactly one of {a} and {b}, each once.", f"sorted(set({a}) ^ set({b}))", "L"),
        "equal_places": (f"Count the places at which {a} and {b} hold the same value.", f"sum(1 for x, y in zip({a}, {b}) if x == y)", "I"),
        "merge_sorted": (f"Return one sorted list with all elements of {a} and {b}.", f"sorted({a} + {b})", "L"),
        "interleave": (f"Alternate the elements of {a} and {b}, starting with {a}, up to the length of the shorter one.", f"[v for pair in zip({a}, {b}) for v in pair]", "L"),
        "dictionary": (f"Return a dictionary from the elements of {a} to the elements of {b} at the same place.", f"dict(zip({a}, {b}))", "D"),
        "distinct": (f"Return a list of the elements of {a} followed by those of {b}, each distinct value once.", f"list(dict.fromkeys({a} + {b}))", "L"),
        "subset": (f"Return whether every element of {a} occurs in {b}.", f"all(x in {b} for x in {a})", "B"),
    }
    kind = dice.choice(list(forms))
    says, expression, gives = forms[kind]
    arguments = [(a, "L"), (b, "L")]
    if gives == "L" and kind != "interleave" and dice.random() < 0.5:
        p, adjective, test = choose(dice, PREDICATES)
        m = dice.choice(["keep", "count", "sum"])
        if m == "keep":
            says += " " + one(dice, f"Keep only the results that are {adjective}.", f"Of these, drop what is not {adjective}.")
            return Spec(("two", kind, m, p), arguments, "L", says, f"{kind}, keep {test}", f"result = {expression}\nreturn [x for x in result if {test}]", names=["combine", "select_both", "merge_lists"])
        if m == "count":
            says = says.replace("Return", "Take").rstrip(".") + one(dice, f"; return how many of these are {adjective}.", f", and count those that are {adjective}.")
            return Spec(("two", kind, m, p), arguments, "I", says, f"{kind}, count {test}", f"result = {expression}\nreturn sum(1 for x in result if {test})", names=["count_both", "compare_lists"])
        says = says.replace("Return", "Take").rstrip(".") + one(dice, "; return their sum.", ", and add up the results.")
        return Spec(("two", kind, m), arguments, "I", says, f"{kind}, sum", f"result = {expression}\nreturn sum(result)", names=["sum_both", "total_of_two"])
    return Spec(("two", kind), arguments, gives, says, kind.replace("_", " "), f"return {expression}", names=["combine", "two_lists", kind])


@family()
def two_pointers(dice):
    kind = dice.choice(["target", "subsequence", "merge", "closest", "reverse_vowels"])
    if kind == "target":
        xs = numbers(dice)
        says = one(dice, f"{xs} is sorted. Return the first pair of numbers at different places that add up to target, found from both ends, or None.", f"Given the sorted list {xs}, move two pointers inwards from both ends and return the pair (as a tuple) with sum target, or None.")
        body = f"i, j = 0, len({xs}) - 1\nwhile i < j:\n    total = {xs}[i] + {xs}[j]\n    if total == target:\n        return ({xs}[i], {xs}[j])\n    if total < target:\n        i += 1\n    else:\n        j -= 1\nreturn None"
        return Spec(("pointer", kind), [(xs, "sorted"), ("target", "I")], "T", says, "two pointers from both ends", body, names=["two_sum", "pair_with_sum", "find_pair"])
    if kind == "subsequence":
        says = one(dice, "Return whether the letters of a occur in b in the same order, not necessarily side by side.", "Tell if a is a subsequence of b.")
        body = "i = 0\nfor c in b:\n    if i < len(a) and a[i] == c:\n        i += 1\nreturn i == len(a)"
        return Spec(("pointer", kind), [("a", "s"), ("b", "S")], "B", says, "walk b, advance in a", body, names=["is_subsequence", "occurs_in_order"])
    if kind == "merge":
        says = one(dice, "Merge the two sorted lists a and b into one sorted list without sorting again.", "a and b are sorted. Return their elements in one sorted list.")
        body = "i = j = 0\nout = []\nwhile i < len(a) and j < len(b):\n    if a[i] <= b[j]:\n        out.append(a[i])\n        i += 1\n    else:\n        out.append(b[j])\n        j += 1\nreturn out + a[i:] + b[j:]"
        return Spec(("pointer", kind), [("a", "sorted"), ("b", "sorted")], "L", says, "merge with two indices", body, names=["merge", "merge_sorted"])
    if kind == "closest":
        xs = numbers(dice)
        says = one(dice, f"Return the element of {xs} closest to target, the smaller one on ties, or None if {xs} is empty.", f"Find the number in {xs} whose distance from target is least; prefer the smaller on ties; None for an empty list.")
        body = f"best = None\nfor x in {xs}:\n    if best is None or (abs(x - target), x) < (abs(best - target), best):\n        best = x\nreturn best"
        return Spec(("pointer", kind), [(xs, "L"), ("target", "I")], "O", says, "keep the closest", body, names=["closest", "nearest_value"])
    s = dice.choice(TEXTS)
    says = one(dice, f"Reverse the order of the vowels in {s} and leave all other characters in place.", f"Return {s} with its vowels in the opposite order.")
    body = f'vowels = [c for c in {s} if c.lower() in "aeiou"]\nout = ""\nfor c in {s}:\n    out += vowels.pop() if c.lower() in "aeiou" else c\nreturn out'
    return Spec(("pointer", kind), [(s, "S")], "S", says, "collect vowels, put back from the end", body, names=["reverse_vowels", "swap_vowels"])


# ---- nested lists

@family(2)
def matrix(dice):
    m = dice.choice(["matrix", "grid", "rows", "table"])
    forms = {
        "row_sums": ("Return the list of the sums of the rows of {m}.", "[sum(row) for row in {m}]", "L"),
        "column_sums": ("Return the list of the sums of the columns of {m}.", "[sum(column) for column in zip(*{m})]", "L"),
        "row_maxima": ("Return the largest value of each row of {m}.", "[max(row) for row in {m}]", "L"),
        "column_maxima": ("Return the largest value of each column of {m}.", "[max(column) for column in zip(*{m})]", "L"),
        "row_minima": ("Return the smallest value of each row of {m}.", "[min(row) for row in {m}]", "L"),
        "diagonal": ("Return the main diagonal of the square {m} as a list.", "[{m}[i][i] for i in range(len({m}))]", "L"),
        "anti_diagonal": ("Return the diagonal of the square {m} from the upper right to the lower left as a list.", "[{m}[i][-1 - i] for i in range(len({m}))]", "L"),
        "flatten": ("Return all values of {m} in one list, row by row.", "[x for row in {m} for x in row]", "L"),
        "border": ("Return the values of the first and the last row of {m} in one list.", "{m}[0] + {m}[-1]", "L"),
    }
    shapes = {
        "transpose": ("Return the transpose of {m}: rows become columns.", "[list(column) for column in zip(*{m})]"),
        "flip_rows": ("Return {m} with each row reversed.", "[row[::-1] for row in {m}]"),
        "flip": ("Return {m} with its rows in the opposite order.", "{m}[::-1]"),
        "rotate": ("Return {m} rotated clockwise by a quarter turn.", "[list(column) for column in zip(*{m}[::-1])]"),
        "sort_rows": ("Return {m} with each row sorted.", "[sorted(row) for row in {m}]"),
    }
    kind = dice.random()
    names = ["matrix_task", "process_grid", "grid_values", "solve_matrix"]
    if kind < 0.25:
        name = dice.choice(list(shapes))
        says, expression = (text.format(m=m) for text in shapes[name])
        return Spec(("matrix", name), [(m, "M")], "M", says, name.replace("_", " "), f"return {expression}", names=names + [name])
    if kind < 0.5:
        name, noun, expression = choose(dice, MAPS)
        p, adjective, test = choose(dice, PREDICATES)
        says = one(dice, f"Return {m} with every value that is {adjective} replaced by {noun}.", f"In the nested list {m}, change each number that is {adjective} to {noun}.")
        return Spec(("matrix", "map", p, name), [(m, "M")], "M", says, f"nested: {expression} if {test} else x", f"return [[{expression} if {test} else x for x in row] for row in {m}]", names=names)
    name = dice.choice(list(forms))
    says, expression, gives = (text.format(m=m) for text in forms[name])
    if kind < 0.65:
        return Spec(("matrix", name), [(m, "M")], gives, says, name.replace("_", " "), f"return {expression}", names=names + [name])
    p, adjective, test = choose(dice, PREDICATES)
    a = dice.choice(["keep", "sum", "count", "largest"])
    if a == "keep":
        says += one(dice, f" Keep only what is {adjective}.", f" Leave out what is not {adjective}.")
        return Spec(("matrix", name, a, p), [(m, "M")], "L", says, f"{name.replace('_', ' ')}, keep {test}", f"result = {expression}\nreturn [x for x in result if {test}]", names=names)
    says = says.replace("Return", "Take").rstrip(".")
    if a == "sum":
        return Spec(("matrix", name, a), [(m, "M")], "I", says + one(dice, " and return their sum.", " and add them up."), f"{name.replace('_', ' ')}, sum", f"result = {expression}\nreturn sum(result)", names=names)
    if a == "largest":
        return Spec(("matrix", name, a), [(m, "M")], "I", says + one(dice, " and return the largest.", " and give the greatest of them."), f"{name.replace('_', ' ')}, max", f"result = {expression}\nreturn max(result)", names=names)
    return Spec(("matrix", name, a, p), [(m, "M")], "I", says + one(dice, f" and return how many are {adjective}.", f" and count those that are {adjective}."), f"{name.replace('_', ' ')}, count {test}", f"result = {expression}\nreturn sum(1 for x in result if {test})", names=names)


# ---- integers and recursion

@family(2)
def integers(dice):
    n = dice.choice(ONE[:3])
    divisor = f"[d for d in range(1, {n} + 1) if {n} % d == 0]"
    lists = {
        "divisors": (f"the divisors of {n}", f"result = {divisor}"),
        "proper": (f"the proper divisors of {n} (without {n} itself)", f"result = [d for d in range(1, {n}) if {n} % d == 0]"),
        "digits": (f"the digits of {n} from left to right", f"result = [int(d) for d in str({n})]"),
        "range": (f"the numbers from 1 to {n}", f"result = list(range(1, {n} + 1))"),
        "below": (f"the numbers from 0 to {n} excluded", f"result = list(range({n}))"),
        "factors": (f"the prime factors of {n} with repetition in ascending order", f"result = []\nd = 2\nm = {n}\nwhile m > 1:\n    while m % d == 0:\n        result.append(d)\n        m //= d\n    d += 1"),
        "primes": (f"the primes up to {n} inclusive", f"result = [p for p in range(2, {n} + 1) if all(p % d for d in range(2, p))]"),
        "fibonacci": (f"the first {n} Fibonacci numbers starting with 0 and 1", f"result = []\na, b = 0, 1\nfor _ in range({n}):\n    result.append(a)\n    a, b = b, a + b"),
        "collatz": (f"the Collatz sequence from {n} down to 1 (halve if even, else three times plus one)", f"result = [{n}]\nwhile result[-1] != 1:\n    x = result[-1]\n    result.append(x // 2 if x % 2 == 0 else 3 * x + 1)"),
        "binary": (f"the binary digits of {n} from left to right", f'result = [int(d) for d in format({n}, "b")]'),
        "squares": (f"the squares up to {n} inclusive starting with 1", f"result = []\nd = 1\nwhile d * d <= {n}:\n    result.append(d * d)\n    d += 1"),
    }
    name = dice.choice(list(lists))
    noun, code = lists[name]
    names = ["numbers_of", "compute", "calc", name, f"{name}_of"]
    a = dice.choice(["list", "sum", "count", "keep", "keepsum", "keepcount", "largest", "reverse", "product", "map"])
    if a in ("keep", "keepsum", "keepcount"):
        p, adjective, test = choose(dice, PREDICATES)
        code += f"\nresult = [x for x in result if {test}]"
        tail = {"keep": ("Return {} that are {}.", "return result", "L"), "keepsum": ("Return the sum of {} that are {}.", "return sum(result)", "I"), "keepcount": ("Count {} that are {}.", "return len(result)", "I")}[a]
        return Spec(("int", name, a, p), [(n, "N")], tail[2], tail[0].format(noun, adjective), f"{name}, keep {test}, {a[4:] or 'list'}", code + "\n" + tail[1], names=names)
    if a == "map":
        m, word, expression = choose(dice, MAPS)
        return Spec(("int", name, a, m), [(n, "N")], "L", one(dice, f"Take {noun}, and return a list with each replaced by {word}.", f"Return a list with {word} for each of {noun}."), f"{name}, map {expression}", code + f"\nreturn [{expression} for x in result]", names=names)
    tail = {"list": ("Return the list of {}.", "return result", "L"), "sum": ("Return the sum of {}.", "return sum(result)", "I"), "count": ("Return the number of elements among {}.", "return len(result)", "I"),
            "largest": ("Return the largest of {}, or 0 if there are none.", "return max(result, default=0)", "I"), "reverse": ("Return the list of {} in reverse order.", "return result[::-1]", "L"),
            "product": ("Return the product of {}.", "product = 1\nfor x in result:\n    product *= x\nreturn product", "I")}[a]
    return Spec(("int", name, a), [(n, "N")], tail[2], tail[0].format(noun), f"{name}, {a}", code + "\n" + tail[1], names=names)


@family()
def integer_tests(dice):
    n = dice.choice(ONE[:3])
    forms = {
        "prime": ("is a prime number", f"if {n} < 2:\n    return False\nfor d in range(2, int({n} ** 0.5) + 1):\n    if {n} % d == 0:\n        return False\nreturn True"),
        "perfect": ("equals the sum of its proper divisors", f"return {n} == sum(d for d in range(1, {n}) if {n} % d == 0)"),
        "square": ("is a perfect square", f"return int({n} ** 0.5) ** 2 == {n}"),
        "power_of_two": ("is a power of two", f"return {n} > 0 and {n} & ({n} - 1) == 0"),
        "palindrome": ("reads the same backwards in decimal", f"return str({n}) == str({n})[::-1]"),
        "armstrong": ("is the sum of its digits each raised to the number of digits", f"digits = str({n})\nreturn {n} == sum(int(d) ** len(digits) for d in digits)"),
        "increasing": ("has strictly increasing digits from left to right", f"digits = str({n})\nreturn all(a < b for a, b in zip(digits, digits[1:]))"),
        "harshad": ("is divisible by the sum of its digits", f"return {n} > 0 and {n} % sum(int(d) for d in str({n})) == 0"),
    }
    kind = dice.choice(list(forms))
    words, body = forms[kind]
    form = dice.random()
    if form < 0.5:
        says = one(dice, f"Return whether {n} {words}.", f"Tell if the number {n} {words}.", f"Return True if {n} {words}, and False otherwise.")
        return Spec(("test", kind), [(n, "N")], "B", says, f"{kind.replace('_', ' ')} test", body, names=["check", f"is_{kind}"])
    helper = f"def is_{kind}({n}):\n" + indent(body)
    xs = numbers(dice)
    if form < 0.75:
        says = one(dice, f"Return the elements x of {xs} for which it holds that x {words}.", f"Keep only those numbers of {xs} of which each {words}.")
        return Spec(("test", kind, "keep"), [(xs, "pos")], "L", says, f"filter with {kind.replace('_', ' ')} test", f"return [x for x in {xs} if is_{kind}(x)]", helper, names=["select", f"only_{kind}", "filter_numbers"])
    says = one(dice, f"Count the elements x of {xs} for which it holds that x {words}.", f"Return how many numbers of {xs} there are of which each {words}.")
    return Spec(("test", kind, "count"), [(xs, "pos")], "I", says, f"count with {kind.replace('_', ' ')} test", f"return sum(1 for x in {xs} if is_{kind}(x))", helper, names=["count_special", f"count_{kind}", "how_many"])


@family(1.5)
def recursion(dice):
    n = dice.choice(["n", "num", "number"])
    kind = dice.choice(["factorial", "sequence", "power", "gcd", "lcm", "digit_sum", "digital_root", "flatten", "depth", "deep_sum", "binary", "steps", "reverse", "ackermann", "base"])
    if kind == "sequence":
        a, b = dice.randint(0, 3), dice.randint(1, 4)
        p, q = dice.randint(1, 3), dice.randint(1, 3)
        p_text, q_text = ("" if p == 1 else f"{p} * "), ("" if q == 1 else f"{q} * ")
        says = one(dice, f"A sequence starts with {a} and {b}; every later term is {p_text}the term before plus {q_text}the one before that. Return the term at index {n} (the first has index 0).", f"Let f(0) = {a}, f(1) = {b} and f(i) = {p_text}f(i-1) + {q_text}f(i-2). Return f({n}).")
        body = f"a, b = {a}, {b}\nfor _ in range({n}):\n    a, b = b, {p_text}b + {q_text}a\nreturn a"
        return Spec(("rec", kind, p, q), [(n, "K")], "I", says, "iterate the recurrence", body, names=["sequence", "term", "recurrence"])
    forms = {
        "factorial": ([(n, "K")], "I", [f"Return the factorial of {n}.", f"Return the product of the numbers from 1 to {n}."], f"if {n} <= 1:\n    return 1\nreturn {n} * FUNCTION({n} - 1)"),
        "power": ([("base", "small"), ("exponent", "K")], "I", ["Return base raised to exponent without using the power operator.", "Multiply base by itself exponent times; exponent 0 gives 1."], "if exponent == 0:\n    return 1\nreturn base * FUNCTION(base, exponent - 1)"),
        "gcd": ([("a", "N"), ("b", "N")], "I", ["Return the greatest common divisor of a and b.", "Find the largest number that divides both a and b."], "while b:\n    a, b = b, a % b\nreturn a"),
        "lcm": ([("a", "N"), ("b", "N")], "I", ["Return the least common multiple of a and b.", "Find the smallest positive number that both a and b divide."], "x, y = a, b\nwhile y:\n    x, y = y, x % y\nreturn a * b // x"),
        "digit_sum": ([(n, "big")], "I", [f"Return the sum of the digits of {n}.", f"Add up the decimal digits of {n}."], f"if {n} < 10:\n    return {n}\nreturn {n} % 10 + FUNCTION({n} // 10)"),
        "digital_root": ([(n, "big")], "I", [f"Replace {n} by the sum of its digits until one digit is left, and return it.", f"Return the digital root of {n}."], f"while {n} >= 10:\n    {n} = sum(int(d) for d in str({n}))\nreturn {n}"),
        "flatten": ([("nested", "nested")], "L", ["Return all numbers of the nested list in one flat list, at any depth.", "Flatten nested, which may hold lists within lists."], "out = []\nfor item in nested:\n    if isinstance(item, list):\n        out.extend(FUNCTION(item))\n    else:\n        out.append(item)\nreturn out"),
        "depth": ([("nested", "nested")], "I", ["Return how deep lists are nested in nested; a list without lists in it has depth 1.", "Return the depth of the nested list, 1 for a flat one."], "depth = 0\nfor item in nested:\n    if isinstance(item, list):\n        depth = max(depth, FUNCTION(item))\nreturn depth + 1"),
        "deep_sum": ([("nested", "nested")], "I", ["Return the sum of all numbers in the nested list, at any depth.", "Add up every number in nested, also those in lists within lists."], "total = 0\nfor item in nested:\n    if isinstance(item, list):\n        total += FUNCTION(item)\n    else:\n        total += item\nreturn total"),
        "binary": ([(n, "N")], "S", [f"Return the binary representation of {n} as a string.", f"Write {n} in base two."], f"if {n} < 2:\n    return str({n})\nreturn FUNCTION({n} // 2) + str({n} % 2)"),
        "base": ([(n, "N"), ("base", "base")], "S", [f"Return the representation of {n} in the given base (2 to 9) as a string.", f"Write {n} in base base, where base is at most 9."], f"digits = str({n} % base)\n{n} //= base\nwhile {n}:\n    digits = str({n} % base) + digits\n    {n} //= base\nreturn digits"),
        "steps": ([(n, "N")], "I", [f"Count the steps until {n} becomes 1 when it is halved if even and else replaced by three times itself plus one.", f"Return the number of Collatz steps from {n} to 1."], f"steps = 0\nwhile {n} != 1:\n    {n} = {n} // 2 if {n} % 2 == 0 else 3 * {n} + 1\n    steps += 1\nreturn steps"),
        "reverse": ([("s", "S")], "S", ["Return s reversed, by recursion.", "Reverse the string s recursively."], 'if s == "":\n    return ""\nreturn FUNCTION(s[1:]) + s[0]'),
        "ackermann": ([("m", "tiny"), ("k", "tiny")], "I", ["Return the number of paths from the upper left to the lower right corner of a grid of m by k steps, moving right or down.", "Count the ways to walk m steps down and k steps right in any order."], "if m == 0 or k == 0:\n    return 1\nreturn FUNCTION(m - 1, k) + FUNCTION(m, k - 1)"),
    }
    arguments, gives, says, body = forms[kind]
    names = {"ackermann": ["count_paths", "grid_paths"], "steps": ["collatz_steps", "steps_to_one"], "base": ["to_base", "change_base"], "binary": ["to_binary", "binary"], "flatten": ["flatten", "flat"], "depth": ["depth", "list_depth"], "deep_sum": ["deep_sum", "nested_sum"], "reverse": ["reverse_string", "backwards"]}.get(kind, [kind, f"{kind}_of"])
    return Spec(("rec", kind), arguments, gives, dice.choice(says), kind.replace("_", " "), body, names=names)


# ---- strings

@family(2)
def strings(dice):
    s = dice.choice(TEXTS)
    c = dice.choice(LETTERS)
    k = dice.randint(1, 5)
    forms = {
        "run_length": ("S", [f"Run-length encode {s}: write every run of equal characters as the character and the length of the run.", f"Replace each run of the same character in {s} by that character followed by the count."], f'out = ""\ni = 0\nwhile i < len({s}):\n    j = i\n    while j < len({s}) and {s}[j] == {s}[i]:\n        j += 1\n    out += {s}[i] + str(j - i)\n    i = j\nreturn out'),
        "runs": ("L", [f"Return the list of the lengths of the runs of equal characters in {s}.", f"How long is each run of the same character in {s}? Return a list."], f"lengths = []\nfor i, c in enumerate({s}):\n    if i and c == {s}[i - 1]:\n        lengths[-1] += 1\n    else:\n        lengths.append(1)\nreturn lengths"),
        "caesar": ("S", [f"Shift every small letter of {s} by {k} places in the alphabet, wrapping around, and leave the rest.", f"Apply a Caesar cipher with shift {k} to the small letters of {s}."], f'out = ""\nfor c in {s}:\n    if "a" <= c <= "z":\n        out += chr((ord(c) - 97 + {k}) % 26 + 97)\n    else:\n        out += c\nreturn out'),
        "alternate_case": ("S", [f"Return {s} with the characters at even indices in upper case and the others in lower case.", f"Write {s} in alternating case, starting with a capital."], f'return "".join(c.upper() if i % 2 == 0 else c.lower() for i, c in enumerate({s}))'),
        "count_words_with": ("I", [f"Count the words of {s} that contain the letter {c}.", f"Return how many words in {s} have a {c} in them."], f'return sum(1 for w in {s}.split() if "{c}" in w)'),
        "longest_word": ("S", [f"Return the longest word of {s}, the last one on ties, or an empty string.", f"Find the word in {s} with the most letters; the last one wins ties; empty text if there is none."], f'best = ""\nfor w in {s}.split():\n    if len(w) >= len(best):\n        best = w\nreturn best'),
        "title": ("S", [f"Return {s} with the first letter of each word in upper case and its other letters unchanged.", f"Capitalise only the first letter of every word in {s}."], f'return " ".join(w[0].upper() + w[1:] for w in {s}.split())'),
        "first_unique": ("O", [f"Return the first character of {s} that occurs only once, or None.", f"Find the earliest character in {s} that is not repeated. Return None if all are."], f"for c in {s}:\n    if {s}.count(c) == 1:\n        return c\nreturn None"),
        "first_repeated": ("O", [f"Return the first character of {s} that has occurred before, or None.", f"Walk through {s} and return the first character seen a second time, None if there is none."], f"seen = set()\nfor c in {s}:\n    if c in seen:\n        return c\n    seen.add(c)\nreturn None"),
        "word_lengths": ("D", [f"Return a dictionary from each word of {s} to its length.", f"Map the words of {s} to how long they are."], f"return {{w: len(w) for w in {s}.split()}}"),
        "words_backwards": ("S", [f"Reverse every word of {s} but keep the order of the words.", f"Spell each word of {s} backwards and join them with spaces."], f'return " ".join(w[::-1] for w in {s}.split())'),
        "pangram": ("B", [f"Return whether {s} holds every vowel a, e, i, o, u at least once, in either case.", f"Tell if all five vowels occur in {s}."], f'return all(v in {s}.lower() for v in "aeiou")'),
        "no_repeats": ("B", [f"Return whether no character occurs twice in {s}.", f"Tell if all characters of {s} are different."], f"return len(set({s})) == len({s})"),
        "max_word_count": ("I", [f"Return how often the most frequent word of {s} occurs, 0 for an empty text.", f"Count how many times the commonest word of {s} is there (0 if there are no words)."], f"words = {s}.split()\nreturn max((words.count(w) for w in words), default=0)"),
        "longest_unique": ("I", [f"Return the length of the longest part of {s} without a repeated character.", f"Find the longest substring of {s} in which all characters differ, and return its length."], f'best = 0\npart = ""\nfor c in {s}:\n    if c in part:\n        part = part[part.index(c) + 1:]\n    part += c\n    best = max(best, len(part))\nreturn best'),
        "odd_characters": ("S", [f"Return the characters of {s} at odd indices.", f"Drop every character of {s} whose index is even."], f"return {s}[1::2]"),
        "count_case": ("T", [f"Return a tuple with the number of upper case and of lower case letters in {s}.", f"Count capitals and small letters in {s} and return both as a pair."], f"return (sum(1 for c in {s} if c.isupper()), sum(1 for c in {s} if c.islower()))"),
        "remove_adjacent": ("S", [f"Remove pairs of equal neighbouring characters from {s} again and again until none is left.", f"Delete adjacent equal characters in {s} pairwise until no such pair remains."], f'stack = []\nfor c in {s}:\n    if stack and stack[-1] == c:\n        stack.pop()\n    else:\n        stack.append(c)\nreturn "".join(stack)'),
        "word_frequency": ("D", [f"Return a dictionary from each word of {s} in lower case to its number of occurrences.", f"Count the words of {s} without regard to case in a dictionary."], f"counts = {{}}\nfor w in {s}.lower().split():\n    counts[w] = counts.get(w, 0) + 1\nreturn counts"),
    }
    kind = dice.choice(list(forms))
    gives, says, body = forms[kind]
    key = ("string", kind) + ((k,) if kind == "caesar" else ())
    return Spec(key, [(s, "S")], gives, dice.choice(says), kind.replace("_", " "), body, names=["text_task", "convert", "process_text", kind])


@family()
def brackets(dice):
    s = dice.choice(["brackets", "s", "text"])
    kind = dice.choice(["round", "all", "depth", "unmatched", "groups"])
    if kind == "round":
        says = one(dice, f"Return whether every opening parenthesis in {s} is closed in the right order.", f"Tell if the parentheses in {s} are balanced.")
        body = f'depth = 0\nfor c in {s}:\n    if c == "(":\n        depth += 1\n    elif c == ")":\n        depth -= 1\n        if depth < 0:\n            return False\nreturn depth == 0'
        return Spec(("brackets", kind), [(s, "round")], "B", says, "count depth", body, names=["is_balanced", "correct_bracketing", "balanced"])
    if kind == "all":
        says = one(dice, f"Return whether the brackets (), [] and {{}} in {s} are balanced and properly nested.", f"Tell if every bracket in {s} is closed by one of its kind in the right order.")
        body = f'pairs = {{")": "(", "]": "[", "}}": "{{"}}\nstack = []\nfor c in {s}:\n    if c in "([{{":\n        stack.append(c)\n    elif c in pairs:\n        if not stack or stack.pop() != pairs[c]:\n            return False\nreturn not stack'
        return Spec(("brackets", kind), [(s, "brackets")], "B", says, "stack of open brackets", body, names=["is_balanced", "valid_brackets", "balanced"])
    if kind == "depth":
        says = one(dice, f"Return the deepest nesting of parentheses in {s}.", f"How many parentheses are open at once at most in {s}?")
        body = f'depth = best = 0\nfor c in {s}:\n    if c == "(":\n        depth += 1\n        best = max(best, depth)\n    elif c == ")":\n        depth -= 1\nreturn best'
        return Spec(("brackets", kind), [(s, "round")], "I", says, "count depth, keep maximum", body, names=["max_depth", "nesting", "deepest"])
    if kind == "groups":
        says = one(dice, f"{s} consists of balanced groups of parentheses. Return the list of the groups.", f"Split {s} into its separate balanced groups of parentheses.")
        body = f'groups = []\nstart = depth = 0\nfor i, c in enumerate({s}):\n    if c == "(":\n        depth += 1\n    else:\n        depth -= 1\n    if depth == 0:\n        groups.append({s}[start:i + 1])\n        start = i + 1\nreturn groups'
        return Spec(("brackets", kind), [(s, "balanced")], "W", says, "cut where depth is 0", body, names=["split_groups", "separate_groups", "groups"])
    says = one(dice, f"Return how many parentheses must be removed from {s} to balance it.", f"Count the parentheses in {s} that have no partner.")
    body = f'depth = lost = 0\nfor c in {s}:\n    if c == "(":\n        depth += 1\n    elif c == ")":\n        if depth:\n            depth -= 1\n        else:\n            lost += 1\nreturn lost + depth'
    return Spec(("brackets", kind), [(s, "round")], "I", says, "count unmatched", body, names=["unmatched", "to_remove", "missing"])


@family()
def two_texts(dice):
    forms = {
        "anagram": ("B", ["Return whether a and b consist of the same characters, each equally often.", "Tell if a is an anagram of b."], "return sorted(a) == sorted(b)"),
        "same_letters": ("B", ["Return whether a and b use the same set of characters.", "Tell if every character of a is in b and the reverse."], "return set(a) == set(b)"),
        "common": ("S", ["Return the characters of a that also occur in b, in their order in a.", "Keep from a only the characters that b holds."], 'return "".join(c for c in a if c in b)'),
        "without": ("S", ["Return a without the characters that occur in b.", "Delete from a every character that b holds."], 'return "".join(c for c in a if c not in b)'),
        "hamming": ("I", ["Return the number of places at which a and b differ, up to the length of the shorter one.", "Count the positions with different characters in a and b."], "return sum(1 for x, y in zip(a, b) if x != y)"),
        "prefix": ("S", ["Return the longest common prefix of a and b.", "Return the longest text that both a and b start with."], 'out = ""\nfor x, y in zip(a, b):\n    if x != y:\n        break\n    out += x\nreturn out'),
        "suffix": ("S", ["Return the longest common suffix of a and b.", "Return the longest text that both a and b end with."], 'out = ""\nfor x, y in zip(a[::-1], b[::-1]):\n    if x != y:\n        break\n    out = x + out\nreturn out'),
        "weave": ("S", ["Alternate the characters of a and b and append the rest of the longer one.", "Weave a and b together, starting with a; what is left of the longer one comes last."], 'out = ""\nfor i in range(max(len(a), len(b))):\n    out += a[i:i + 1] + b[i:i + 1]\nreturn out'),
        "occurrences": ("I", ["Return how often b occurs in a, overlapping occurrences included.", "Count the places in a at which b starts."], "return sum(1 for i in range(len(a)) if b and a[i:i + len(b)] == b)"),
        "rotation": ("B", ["Return whether a is a rotation of b.", "Tell if a can be made from b by moving characters from its front to its end."], "return len(a) == len(b) and a in b + b"),
        "longer": ("S", ["Return the longer of a and b, a if they are equally long.", "Return whichever text has more characters; a on ties."], "return a if len(a) >= len(b) else b"),
        "compare_lengths": ("I", ["Return the difference of the lengths of a and b as a number that is not negative.", "By how many characters do the lengths of a and b differ?"], "return abs(len(a) - len(b))"),
        "xor": ("S", ["a and b are strings of the digits 0 and 1. Return a string with 1 where they differ and 0 where they are equal.", "Return the bitwise exclusive or of the binary strings a and b as a string."], 'return "".join("0" if x == y else "1" for x, y in zip(a, b))'),
        "edit": ("I", ["Return the least number of insertions, deletions and replacements of single characters that turn a into b.", "Return the edit distance of a and b."], "row = list(range(len(b) + 1))\nfor i, x in enumerate(a):\n    new = [i + 1]\n    for j, y in enumerate(b):\n        new.append(min(row[j] + (x != y), row[j + 1] + 1, new[j] + 1))\n    row = new\nreturn row[-1]"),
        "common_subsequence": ("I", ["Return the length of the longest common subsequence of a and b.", "How many characters can be kept in order in both a and b at most?"], "row = [0] * (len(b) + 1)\nfor x in a:\n    new = [0]\n    for j, y in enumerate(b):\n        new.append(row[j] + 1 if x == y else max(row[j + 1], new[j]))\n    row = new\nreturn row[-1]"),
    }
    kind = dice.choice(list(forms))
    gives, says, body = forms[kind]
    taken = "bits" if kind == "xor" else "s"
    return Spec(("texts", kind), [("a", taken), ("b", taken)], gives, dice.choice(says), kind.replace("_", " "), body, names=["compare", "two_texts", kind])


@family()
def word_lists(dice):
    w = dice.choice(WORD_LISTS)
    c = dice.choice(LETTERS)
    k = dice.randint(3, 6)
    filters = {"long": (f"with more than {k} letters", f"len(w) > {k}"), "short": (f"with fewer than {k} letters", f"len(w) < {k}"), "letter": (f"that contain {c}", f'"{c}" in w'),
               "start": (f"that start with {c}", f'w.startswith("{c}")'), "end": (f"that end with {c}", f'w.endswith("{c}")'), "palindrome": ("that read the same backwards", "w == w[::-1]"), "exact": (f"of exactly {k} letters", f"len(w) == {k}")}
    maps = {"upper": ("in upper case", "w.upper()"), "reversed": ("reversed", "w[::-1]"), "length": ("replaced by their lengths", "len(w)"), "first": ("cut to their first letters", "w[:1]"), "capital": ("capitalised", "w.capitalize()"), "twice": ("written twice", "w + w")}
    f = dice.choice(list(filters))
    words, test = filters[f]
    kind = dice.choice(["keep", "count", "map", "longest", "any", "sorted", "joined", "index"])
    names = ["select_words", "words_task", "pick_words"]
    if kind == "keep":
        return Spec(("words", f, kind), [(w, "W")], "W", one(dice, f"Return the strings in {w} {words}.", f"Filter the list {w} for strings {words}."), f"keep {test}", f"return [w for w in {w} if {test}]", names=names)
    if kind == "count":
        return Spec(("words", f, kind), [(w, "W")], "I", one(dice, f"Count the strings in {w} {words}.", f"Return how many strings of the list {w} there are {words}."), f"count {test}", f"return sum(1 for w in {w} if {test})", names=names)
    if kind == "map":
        m = dice.choice(list(maps))
        done, expression = maps[m]
        return Spec(("words", f, kind, m), [(w, "W")], "W", one(dice, f"Return the strings in {w} {words}, {done}.", f"From the list {w} take the strings {words}, and return them {done}."), f"keep {test}, map {expression}", f"return [{expression} for w in {w} if {test}]", names=names)
    if kind == "longest":
        return Spec(("words", f, kind), [(w, "W")], "O", one(dice, f"Return the longest of the strings in {w} {words}, the first on ties, or None if there is none.", f"Of the strings {words} in {w}, return the longest (first on ties); None if there are none."), f"longest with {test}", f"best = None\nfor w in {w}:\n    if {test} and (best is None or len(w) > len(best)):\n        best = w\nreturn best", names=names)
    if kind == "any":
        return Spec(("words", f, kind), [(w, "W")], "B", one(dice, f"Return whether {w} holds any string {words}.", f"Tell if there are strings in {w} {words}."), f"any {test}", f"return any({test} for w in {w})", names=names)
    if kind == "sorted":
        return Spec(("words", f, kind), [(w, "W")], "W", one(dice, f"Return the strings in {w} {words} in alphabetical order.", f"Take the strings {words} from {w}, and sort them."), f"keep {test}, sort", f"return sorted(w for w in {w} if {test})", names=names)
    if kind == "joined":
        return Spec(("words", f, kind), [(w, "W")], "S", one(dice, f"Join the strings in {w} {words} with spaces.", f"Return one text of the strings of {w} {words}, separated by spaces."), f"keep {test}, join", f'return " ".join(w for w in {w} if {test})', names=names)
    return Spec(("words", f, kind), [(w, "W")], "I", one(dice, f"Return the index of the first string in {w} {words}, or -1.", f"Find where in {w} the first string {words} stands; -1 if there is none.").replace(f"first string {words}", f"first string {words}"), f"index of first {test}", f"for i, w in enumerate({w}):\n    if {test}:\n        return i\nreturn -1", names=names)


# ---- dictionaries, grouping, sorting by key

KEYS = {
    "remainder": ("their remainder modulo {k}", "x % {k}", small(2, 5)),
    "last_digit": ("their last digit", "abs(x) % 10", lambda dice: {}),
    "parity": ("their parity (0 or 1)", "x % 2", lambda dice: {}),
    "digits": ("their number of digits", "len(str(abs(x)))", lambda dice: {}),
    "digit_sum": ("the sum of their digits", "sum(int(d) for d in str(abs(x)))", lambda dice: {}),
    "tens": ("their quotient by 10 rounded down", "x // 10", lambda dice: {}),
    "absolute": ("their absolute value", "abs(x)", lambda dice: {}),
    "ones": ("the number of ones in their binary form", 'bin(x).count("1")', lambda dice: {}),
}


@family(2)
def keyed(dice):
    xs = numbers(dice)
    k = dice.choice(list(KEYS))
    words, expression, parameters = KEYS[k]
    values = parameters(dice)
    words, expression = words.format(**values), expression.format(**values)
    kind = dice.choice(["group", "count", "sum", "sort", "sort_down", "largest", "first"])
    if kind == "sort":
        return Spec(("keyed", k, kind), [(xs, "L")], "L", one(dice, f"Sort the numbers in {xs} by {words}; equal ones keep their order.", f"Return {xs} ordered by {words}, stable."), f"sort by {expression}", f"return sorted({xs}, key=lambda x: {expression})", names=["sort_by", "order_by"])
    if kind == "sort_down":
        return Spec(("keyed", k, kind), [(xs, "L")], "L", one(dice, f"Sort the numbers in {xs} by {words}, and those equal in it by value.", f"Return {xs} ordered by {words}, ties by the number itself."), f"sort by {expression}, value", f"return sorted({xs}, key=lambda x: ({expression}, x))", names=["sort_by", "order_by"])
    if kind == "largest":
        return Spec(("keyed", k, kind), [(xs, "L")], "O", one(dice, f"Compare the numbers in {xs} by {words}, and return the first of the largest, or None if {xs} is empty.", f"Return the number of {xs} that comes out highest by {words} (the first on ties, None if empty)."), f"max by {expression}", f"return max({xs}, key=lambda x: {expression}, default=None)", names=["max_by", "highest_by"])
    forms = {
        "group": (f"Group the numbers in {xs} by {words}: return a dictionary from it to the list of numbers in order.", f"groups = {{}}\nfor x in {xs}:\n    groups.setdefault({expression}, []).append(x)\nreturn groups"),
        "count": (f"Count the numbers in {xs} by {words}: return a dictionary from it to how many numbers have it.", f"counts = {{}}\nfor x in {xs}:\n    key = {expression}\n    counts[key] = counts.get(key, 0) + 1\nreturn counts"),
        "sum": (f"Add up the numbers in {xs} by {words}: return a dictionary from it to the sum of the numbers that have it.", f"sums = {{}}\nfor x in {xs}:\n    key = {expression}\n    sums[key] = sums.get(key, 0) + x\nreturn sums"),
        "first": (f"Return a dictionary from {words} to the first number in {xs} that has it.", f"firsts = {{}}\nfor x in {xs}:\n    firsts.setdefault({expression}, x)\nreturn firsts"),
    }
    says, body = forms[kind]
    return Spec(("keyed", k, kind), [(xs, "L")], "D", says, f"{kind} by {expression}", body, names=["group_by", "collect", f"{kind}_by"])


@family(1.5)
def dictionaries(dice):
    d = dice.choice(["d", "scores", "counts", "prices", "ages", "data"])
    k = dice.randint(2, 12)
    forms = {
        "invert": ("D", [f"Return a dictionary with the keys and values of {d} exchanged; a later key wins.", f"Swap keys and values of {d}."], f"return {{value: key for key, value in {d}.items()}}"),
        "above": ("D", [f"Return the entries of {d} whose value is greater than {k}.", f"Drop from {d} every entry with a value of at most {k}."], f"return {{key: value for key, value in {d}.items() if value > {k}}}"),
        "keys_above": ("W", [f"Return the sorted list of the keys of {d} whose value is greater than {k}.", f"Which keys of {d} have a value above {k}? Return them in order."], f"return sorted(key for key, value in {d}.items() if value > {k})"),
        "total": ("I", [f"Return the sum of the values of {d}.", f"Add up all values in the dictionary {d}."], f"return sum({d}.values())"),
        "best": ("O", [f"Return the key of {d} with the largest value, the first on ties, or None if it is empty.", f"Which key of {d} has the highest value? The first one on ties, None for an empty dictionary."], f"return max({d}, key={d}.get, default=None)"),
        "by_value": ("W", [f"Return the keys of {d} sorted by their values, ties by key.", f"Order the keys of {d} from the smallest value to the largest, equal ones alphabetically."], f"return sorted({d}, key=lambda key: ({d}[key], key))"),
        "by_value_down": ("W", [f"Return the keys of {d} sorted from the largest value to the smallest, ties by key.", f"Order the keys of {d} by descending value, equal ones alphabetically."], f"return sorted({d}, key=lambda key: (-{d}[key], key))"),
        "scale": ("D", [f"Return {d} with every value multiplied by {k}.", f"Multiply each value of {d} by {k}."], f"return {{key: value * {k} for key, value in {d}.items()}}"),
        "pairs": ("P", [f"Return the list of (key, value) pairs of {d} sorted by key.", f"List the entries of {d} as tuples in order of their keys."], f"return sorted({d}.items())"),
        "long_keys": ("I", [f"Return the sum of the values of {d} whose key has more than 3 letters.", f"Add up the values of {d} under keys longer than 3 letters."], f"return sum(value for key, value in {d}.items() if len(key) > 3)"),
        "groups": ("D", [f"Return a dictionary from each value of {d} to the sorted list of keys that have it.", f"Group the keys of {d} by value, each group sorted."], f"groups = {{}}\nfor key in sorted({d}):\n    groups.setdefault({d}[key], []).append(key)\nreturn groups"),
        "upper": ("D", [f"Return {d} with its keys in upper case.", f"Write every key of {d} in capitals."], f"return {{key.upper(): value for key, value in {d}.items()}}"),
    }
    pair = {
        "merge_sum": ("D", ["Merge the dictionaries a and b, adding the values of keys that are in both.", "Return a dictionary with the keys of a and b and the sums of their values."], "merged = dict(a)\nfor key, value in b.items():\n    merged[key] = merged.get(key, 0) + value\nreturn merged"),
        "merge": ("D", ["Merge the dictionaries a and b; b wins where both have a key.", "Return a dictionary with all entries of a and b, those of b taking precedence."], "return {**a, **b}"),
        "common": ("W", ["Return the sorted list of keys that are in both a and b.", "Which keys do a and b share? Return them in order."], "return sorted(key for key in a if key in b)"),
        "difference": ("D", ["Return the entries of a whose key is not in b.", "Drop from a every key that b has."], "return {key: value for key, value in a.items() if key not in b}"),
        "max": ("D", ["Return a dictionary with the keys of a and b and the larger value of each.", "Merge a and b, keeping the higher value where both have a key."], "merged = dict(a)\nfor key, value in b.items():\n    merged[key] = max(merged.get(key, value), value)\nreturn merged"),
        "changed": ("W", ["Return the sorted list of keys that a and b share with different values.", "Which keys are in both a and b but have different values? Return them in order."], "return sorted(key for key in a if key in b and a[key] != b[key])"),
    }
    if dice.random() < 0.3:
        kind = dice.choice(list(pair))
        gives, says, body = pair[kind]
        return Spec(("dicts", kind), [("a", "D"), ("b", "D")], gives, dice.choice(says), kind.replace("_", " "), body, names=["merge_dicts", "two_dicts", f"dict_{kind}"])
    kind = dice.choice(list(forms))
    gives, says, body = forms[kind]
    return Spec(("dict", kind), [(d, "D")], gives, dice.choice(says), kind.replace("_", " "), body, names=["dict_task", "from_dict", f"dict_{kind}"])


# ---- dynamic programming and greedy

@family(1.5)
def dynamic(dice):
    xs = numbers(dice)
    forms = {
        "max_subarray": ([(xs, "L+")], "I", [f"Return the largest sum of a non-empty contiguous part of {xs}.", f"Find the contiguous sublist of {xs} with the greatest sum and return that sum."], f"best = current = {xs}[0]\nfor x in {xs}[1:]:\n    current = max(x, current + x)\n    best = max(best, current)\nreturn best"),
        "min_subarray": ([(xs, "L+")], "I", [f"Return the smallest sum of a non-empty contiguous part of {xs}.", f"Find the contiguous sublist of {xs} with the least sum and return that sum."], f"best = current = {xs}[0]\nfor x in {xs}[1:]:\n    current = min(x, current + x)\n    best = min(best, current)\nreturn best"),
        "coin_ways": ([("coins", "coins"), ("amount", "N")], "I", ["Return the number of ways to make amount from the given coins, each usable any number of times; order does not matter.", "In how many ways can amount be paid with coins of the given values?"], "ways = [1] + [0] * amount\nfor coin in coins:\n    for total in range(coin, amount + 1):\n        ways[total] += ways[total - coin]\nreturn ways[amount]"),
        "coin_count": ([("coins", "coins"), ("amount", "N")], "I", ["Return the least number of coins that add up to amount, or -1 if it cannot be made.", "How few coins of the given values make amount? Return -1 if impossible."], "best = [0] + [None] * amount\nfor total in range(1, amount + 1):\n    for coin in coins:\n        if coin <= total and best[total - coin] is not None:\n            if best[total] is None or best[total - coin] + 1 < best[total]:\n                best[total] = best[total - coin] + 1\nreturn -1 if best[amount] is None else best[amount]"),
        "stairs": ([("n", "K")], "I", ["Return the number of ways to climb n stairs taking one or two at a time.", "In how many ways can n be written as an ordered sum of ones and twos?"], "a, b = 1, 1\nfor _ in range(n):\n    a, b = b, a + b\nreturn a"),
        "stairs_three": ([("n", "K")], "I", ["Return the number of ways to climb n stairs taking one, two or three at a time.", "In how many ways can n be written as an ordered sum of ones, twos and threes?"], "a, b, c = 0, 0, 1\nfor _ in range(n):\n    a, b, c = b, c, a + b + c\nreturn c"),
        "increasing": ([(xs, "L")], "I", [f"Return the length of the longest strictly increasing subsequence of {xs}.", f"How many elements of {xs} can be kept in order so that they strictly increase?"], f"lengths = []\nfor i, x in enumerate({xs}):\n    lengths.append(1 + max((lengths[j] for j in range(i) if {xs}[j] < x), default=0))\nreturn max(lengths, default=0)"),
        "robber": ([(xs, "pos")], "I", [f"Return the largest sum of elements of {xs} of which no two are neighbours.", f"Choose elements of {xs}, never two adjacent ones, with the greatest total, and return it."], f"take, skip = 0, 0\nfor x in {xs}:\n    take, skip = skip + x, max(skip, take)\nreturn max(take, skip)"),
        "profit": ([("prices", "pos")], "I", ["Return the largest profit of buying once and selling once later, or 0.", "prices holds one price a day. What is the best gain from one purchase and one later sale (0 if none)?"], "best = 0\nlowest = None\nfor price in prices:\n    if lowest is None or price < lowest:\n        lowest = price\n    best = max(best, price - lowest)\nreturn best"),
        "profit_many": ([("prices", "pos")], "I", ["Return the largest profit when one may buy and sell any number of times, holding at most one item.", "prices holds one price a day. Add up every rise from one day to the next."], "return sum(max(0, b - a) for a, b in zip(prices, prices[1:]))"),
        "subset_sum": ([(xs, "pos"), ("target", "N")], "B", [f"Return whether some of the numbers in {xs} add up to target, each used at most once.", f"Tell if a subset of {xs} has the sum target."], f"sums = {{0}}\nfor x in {xs}:\n    sums |= {{s + x for s in sums}}\nreturn target in sums"),
        "knapsack": ([("weights", "weights"), ("capacity", "N")], "I", ["Return the largest total of some of the weights that does not exceed capacity.", "How full can a bag of the given capacity be made with some of the weights?"], "sums = {0}\nfor w in weights:\n    sums |= {s + w for s in sums if s + w <= capacity}\nreturn max(sums)"),
        "merge_intervals": ([("intervals", "intervals")], "P", ["Merge the closed intervals [start, end] that overlap or touch, and return them sorted by start.", "Write a function that takes a list of closed intervals, each a pair [start, end] of integers with start <= end, and returns the list of merged intervals, sorted by start. Intervals that overlap or touch (one ends where the other starts) are merged into one.", "Return the list of merged intervals, sorted by start. Intervals that overlap or touch are merged into one."], "merged = []\nfor start, end in sorted(intervals):\n    if merged and start <= merged[-1][1]:\n        merged[-1][1] = max(merged[-1][1], end)\n    else:\n        merged.append([start, end])\nreturn merged"),
        "covered": ([("intervals", "intervals")], "I", ["Return how many integers are covered by at least one of the closed intervals [start, end].", "Count the integers that lie in any of the intervals, ends included."], "points = set()\nfor start, end in intervals:\n    points.update(range(start, end + 1))\nreturn len(points)"),
        "window": ([(xs, "L"), ("k", "window")], "I", [f"Return the largest sum of k neighbouring elements of {xs}, or 0 if there are fewer than k.", f"Slide a window of k elements over {xs} and return the greatest sum (0 if {xs} is too short)."], f"if len({xs}) < k:\n    return 0\nreturn max(sum({xs}[i:i + k]) for i in range(len({xs}) - k + 1))"),
        "chunks": ([(xs, "L"), ("k", "window")], "M", [f"Split {xs} into consecutive lists of k elements; the last one may be shorter.", f"Cut {xs} into chunks of size k."], f"return [{xs}[i:i + k] for i in range(0, len({xs}), k)]"),
        "rotate": ([(xs, "L"), ("k", "window")], "L", [f"Rotate {xs} to the left by k places.", f"Move the first k elements of {xs} to its end, going round if k exceeds the length."], f"if not {xs}:\n    return []\nk %= len({xs})\nreturn {xs}[k:] + {xs}[:k]"),
        "moving_average": ([(xs, "L"), ("k", "window")], "L", [f"Return the sums of all runs of k neighbouring elements of {xs}.", f"List the sum of every window of k elements of {xs}."], f"return [sum({xs}[i:i + k]) for i in range(len({xs}) - k + 1)]"),
        "kth": ([(xs, "L+"), ("k", "one")], "O", [f"Return the k-th smallest element of {xs} (k starts at 1), or None if there is none.", f"Which number is at place k when {xs} is sorted, counting from 1? None if k is too large."], f"return sorted({xs})[k - 1] if k <= len({xs}) else None"),
        "missing": ([(xs, "pos")], "I", [f"Return the smallest positive integer that is not in {xs}.", f"Find the least number from 1 on that {xs} lacks."], f"n = 1\nwhile n in {xs}:\n    n += 1\nreturn n"),
        "leaders": ([(xs, "L")], "L", [f"Return the elements of {xs} that are greater than all elements after them.", f"Which elements of {xs} exceed everything to their right? Keep their order."], f"return [x for i, x in enumerate({xs}) if all(x > y for y in {xs}[i + 1:])]"),
        "balance": ([(xs, "L")], "I", [f"Return the first index of {xs} at which the sum before it equals the sum after it, or -1.", f"Find a place in {xs} with equal sums on both sides (the first one, -1 if none)."], f"for i in range(len({xs})):\n    if sum({xs}[:i]) == sum({xs}[i + 1:]):\n        return i\nreturn -1"),
        "majority": ([(xs, "L")], "O", [f"Return the element that makes up more than half of {xs}, or None.", f"Does one value occur in more than half of the places of {xs}? Return it, else None."], f"for x in {xs}:\n    if {xs}.count(x) * 2 > len({xs}):\n        return x\nreturn None"),
        "below_zero": ([(xs, "L")], "B", [f"{xs} lists deposits and withdrawals of an account that starts at zero. Return whether the balance ever falls below zero.", f"Tell if a running total over {xs} is negative at any point."], f"balance = 0\nfor x in {xs}:\n    balance += x\n    if balance < 0:\n        return True\nreturn False"),
        "next_greater": ([(xs, "L")], "L", [f"For every element of {xs} return the next greater element to its right, or -1.", f"Replace each number of {xs} by the first larger one after it (-1 if there is none)."], f"out = []\nfor i, x in enumerate({xs}):\n    out.append(next((y for y in {xs}[i + 1:] if y > x), -1))\nreturn out"),
    }
    kind = dice.choice(list(forms))
    arguments, gives, says, body = forms[kind]
    if gives == "I" and kind in ("max_subarray", "robber", "profit", "window", "increasing", "covered") and dice.random() < 0.3:
        k = dice.randint(2, 9)
        says = dice.choice(says).rstrip(".") + one(dice, f"; give it modulo {k}.", f". Give the remainder modulo {k} of it.")
        cut = body.rsplit("return ", 1)
        return Spec(("dp", kind, "modulo"), arguments, "I", says, f"{kind.replace('_', ' ')}, modulo {k}", f"{cut[0]}return ({cut[1]}) % {k}", names=["best", kind])
    return Spec(("dp", kind), arguments, gives, dice.choice(says), kind.replace("_", " "), body, names=["best", "solve", kind])


# ---- classes

@family()
def classes(dice):
    kind = dice.choice(["counter", "stack", "account", "queue", "minstack", "history"])
    forms = {
        "counter": ("Counter", "Write a class Counter with the methods add(x), which counts x, and count(x), which returns how often x was added.", "a Counter; for every (name, x) in calls call the method of that name with x, and return the list of the results of count", "def __init__(self):\n    self.counts = {}\n\ndef add(self, x):\n    self.counts[x] = self.counts.get(x, 0) + 1\n\ndef count(self, x):\n    return self.counts.get(x, 0)", "count", "add"),
        "stack": ("Stack", "Write a class Stack with the methods push(x), which puts x on top, and top(x), which returns the top element or x if it is empty.", "a Stack; for every (name, x) in calls call the method of that name with x, and return the list of the results of top", "def __init__(self):\n    self.items = []\n\ndef push(self, x):\n    self.items.append(x)\n\ndef top(self, x):\n    return self.items[-1] if self.items else x", "top", "push"),
        "account": ("Account", "Write a class Account that starts with a balance of 0, with the methods deposit(x), which adds x, and withdraw(x), which takes x off if there is enough and returns whether it did.", "an Account; for every (name, x) in calls call the method of that name with x, and return the list of the results of withdraw", "def __init__(self):\n    self.balance = 0\n\ndef deposit(self, x):\n    self.balance += x\n\ndef withdraw(self, x):\n    if x > self.balance:\n        return False\n    self.balance -= x\n    return True", "withdraw", "deposit"),
        "queue": ("Queue", "Write a class Queue with the methods put(x), which appends x, and get(x), which removes and returns the first element, or returns x if it is empty.", "a Queue; for every (name, x) in calls call the method of that name with x, and return the list of the results of get", "def __init__(self):\n    self.items = []\n\ndef put(self, x):\n    self.items.append(x)\n\ndef get(self, x):\n    return self.items.pop(0) if self.items else x", "get", "put"),
        "minstack": ("Lowest", "Write a class Lowest with the methods add(x), which remembers x, and lowest(x), which returns the smallest number remembered, or x if there is none.", "a Lowest; for every (name, x) in calls call the method of that name with x, and return the list of the results of lowest", "def __init__(self):\n    self.items = []\n\ndef add(self, x):\n    self.items.append(x)\n\ndef lowest(self, x):\n    return min(self.items, default=x)", "lowest", "add"),
        "history": ("Total", "Write a class Total with the methods add(x), which adds x to a sum that starts at 0, and above(x), which returns whether the sum is greater than x.", "a Total; for every (name, x) in calls call the method of that name with x, and return the list of the results of above", "def __init__(self):\n    self.total = 0\n\ndef add(self, x):\n    self.total += x\n\ndef above(self, x):\n    return self.total > x", "above", "add"),
    }
    name, says, then, methods, asks, tells = forms[kind]
    run = dice.choice(["run", "simulate", "replay"])
    helper = f"class {name}:\n" + indent(methods)
    body = f'it = {name}()\nout = []\nfor name, x in calls:\n    result = getattr(it, name)(x)\n    if name == "{asks}":\n        out.append(result)\nreturn out'
    return Spec(("class", kind), [("calls", f"calls:{tells}:{asks}")], "L", f"{says} Then {run}(calls) makes {then}.", f"class {name}, loop over calls", body, helper, names=[run])


def indent(text):
    return "".join(f"    {line}\n" if line else "\n" for line in text.split("\n"))
