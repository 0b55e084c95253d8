"""Operations: typed steps that tasks are composed of, each with wordings and code.

Types: L list of integers, S text, W list of words, I integer, D dictionary, B truth value. A step transforms `result`; a
last step returns. The last wording of every operation with three or more never occurs in training.
"""

from dataclasses import dataclass
from typing import Callable

LETTERS = "aeiostrnlmdp"
SEPARATORS = {"-": "a dash", "_": "an underscore", ",": "a comma", "*": "a star", " ": "a space", "/": "a slash"}


@dataclass(frozen=True)
class Operation:
    name: str
    takes: str
    gives: str
    wordings: tuple[str, ...]
    code: str
    parameters: Callable
    last: bool


OPERATIONS: dict[str, Operation] = {}


def nothing(dice):
    return {}


def small(low, high):
    return lambda dice: {"k": dice.randint(low, high)}


def letter(dice):
    return {"c": dice.choice(LETTERS)}


def two_letters(dice):
    c, d = dice.sample(LETTERS, 2)
    return {"c": c, "d": d}


def separator(dice):
    s = dice.choice(list(SEPARATORS))
    return {"s": s, "n": SEPARATORS[s]}


def bounds(dice):
    low = dice.randint(-5, 8)
    return {"a": low, "b": low + dice.randint(3, 15)}


def step(name, takes, wordings, code, parameters=nothing, gives=None):
    OPERATIONS[name] = Operation(name, takes, gives or takes, tuple(wordings), code, parameters, False)


def end(name, takes, gives, wordings, code, parameters=nothing):
    OPERATIONS[name] = Operation(name, takes, gives, tuple(wordings), code, parameters, True)


# What a number may be, as an adjective, and what may be done with it.
PREDICATES = {
    "even": (["even"], "x % 2 == 0", nothing),
    "odd": (["odd"], "x % 2 != 0", nothing),
    "positive": (["positive", "above zero"], "x > 0", nothing),
    "negative": (["negative", "below zero"], "x < 0", nothing),
    "nonzero": (["different from zero", "not zero"], "x != 0", nothing),
    "greater": (["greater than {k}", "larger than {k}", "above {k}"], "x > {k}", small(-5, 15)),
    "less": (["less than {k}", "smaller than {k}", "below {k}"], "x < {k}", small(-5, 15)),
    "at_least": (["at least {k}", "not smaller than {k}"], "x >= {k}", small(-5, 15)),
    "at_most": (["at most {k}", "not larger than {k}"], "x <= {k}", small(-5, 15)),
    "multiple": (["divisible by {k}", "a multiple of {k}"], "x % {k} == 0", small(3, 9)),
    "not_multiple": (["not divisible by {k}", "no multiple of {k}"], "x % {k} != 0", small(3, 9)),
    "between": (["between {a} and {b} inclusive", "from {a} to {b} inclusive"], "{a} <= x <= {b}", bounds),
    "last_digit": (["ending in the digit {k}", "with {k} as last digit"], "abs(x) % 10 == {k}", small(0, 9)),
}

# Verb phrases over "each number", and expressions.
MAPS = {
    "square": (["the square", "its square"], "x * x", nothing),
    "cube": (["the cube", "its third power"], "x ** 3", nothing),
    "double": (["twice its value", "its double"], "x * 2", nothing),
    "plus": (["itself plus {k}", "its value increased by {k}"], "x + {k}", small(1, 12)),
    "minus": (["itself minus {k}", "its value decreased by {k}"], "x - {k}", small(1, 12)),
    "times": (["{k} times itself", "its value multiplied by {k}"], "x * {k}", small(3, 9)),
    "modulo": (["its remainder modulo {k}", "its remainder when divided by {k}"], "x % {k}", small(2, 9)),
    "floor": (["its quotient by {k} rounded down", "itself floor-divided by {k}"], "x // {k}", small(2, 6)),
    "absolute": (["its absolute value", "its distance from zero"], "abs(x)", nothing),
    "negated": (["its negation", "itself with the sign flipped"], "-x", nothing),
    "digit_sum": (["the sum of its digits", "its digit sum"], "sum(int(d) for d in str(abs(x)))", nothing),
}

for name, (adjectives, test, parameters) in PREDICATES.items():
    keep = [f"keep only the numbers that are {a}" for a in adjectives]
    keep += [f"drop every number that is not {adjectives[0]}", f"filter for the numbers that are {adjectives[-1]}"]
    step(f"keep_{name}", "L", keep, f"result = [x for x in result if {test}]", parameters)
for name, (nouns, expression, parameters) in MAPS.items():
    change = [f"replace each number by {n}" for n in nouns]
    change += [f"turn every element into {nouns[0]}", f"map each value to {nouns[-1]}"]
    step(f"map_{name}", "L", change, f"result = [{expression} for x in result]", parameters)

step("sort", "L", ["sort the numbers in ascending order", "order the numbers from smallest to largest", "sort them upwards"], "result = sorted(result)")
step("sort_down", "L", ["sort the numbers in descending order", "order the numbers from largest to smallest", "sort them downwards"], "result = sorted(result, reverse=True)")
step("sort_absolute", "L", ["sort the numbers by absolute value", "order the numbers by their distance from zero", "sort them by size without sign"], "result = sorted(result, key=abs)")
step("reverse", "L", ["reverse the list", "put the elements in the opposite order", "turn the list around"], "result = result[::-1]")
step("distinct", "L", ["remove duplicates keeping the first occurrence", "keep each distinct value once in order of appearance", "drop values seen before"], "result = list(dict.fromkeys(result))")
step("take", "L", ["take the first {k} elements", "keep only the leading {k} items", "cut the list after {k} elements"], "result = result[:{k}]", small(2, 5))
step("skip", "L", ["skip the first {k} elements", "drop the leading {k} items", "leave out the first {k} numbers"], "result = result[{k}:]", small(1, 4))
step("take_last", "L", ["take the last {k} elements", "keep only the trailing {k} items", "keep the final {k} numbers"], "result = result[-{k}:]", small(2, 5))
step("skip_last", "L", ["skip the last {k} elements", "drop the trailing {k} items", "leave out the final {k} numbers"], "result = result[:-{k}]", small(1, 3))
step("every", "L", ["take every {k}th element starting at the first", "keep one item in {k}, beginning with the first", "pick each {k}th item from the first on"], "result = result[::{k}]", small(2, 4))
step("running_sum", "L", ["replace each element by the running total", "compute the prefix sums", "accumulate the sums from the left"], "total = 0\nsums = []\nfor x in result:\n    total += x\n    sums.append(total)\nresult = sums")
step("running_max", "L", ["replace each element by the largest value so far", "compute the running maximum", "keep the maximum up to each place"], "peaks = []\nfor x in result:\n    peaks.append(max(peaks[-1], x) if peaks else x)\nresult = peaks")
step("differences", "L", ["take the differences of neighbouring elements", "compute each element minus the one before it", "subtract from each element its predecessor"], "result = [b - a for a, b in zip(result, result[1:])]")
step("pair_sums", "L", ["take the sums of neighbouring elements", "add each element to the one before it", "sum each adjacent pair"], "result = [a + b for a, b in zip(result, result[1:])]")
step("cap", "L", ["cap every number at {k}", "replace any value above {k} by {k}", "limit the values to at most {k}"], "result = [min(x, {k}) for x in result]", small(0, 15))
step("floor_at", "L", ["raise every number below {k} to {k}", "replace any value below {k} by {k}", "limit the values to at least {k}"], "result = [max(x, {k}) for x in result]", small(-5, 8))
step("rotate_left", "L", ["move the first element to the end", "rotate the list left by one", "put the head of the list at its end"], "result = result[1:] + result[:1]")
step("rotate_right", "L", ["move the last element to the front", "rotate the list right by one", "put the tail of the list at its front"], "result = result[-1:] + result[:-1]")
step("append_length", "L", ["append the length of the list", "add the number of elements at the end", "put the count of items at the end"], "result = result + [len(result)]")
step("with_index", "L", ["add to each element its index", "increase every number by its position counted from zero", "sum each value and its index"], "result = [x + i for i, x in enumerate(result)]")
step("drop_max", "L", ["remove every occurrence of the largest value", "drop all elements equal to the maximum", "delete the maximum wherever it occurs"], "result = [x for x in result if x != max(result)]")
step("drop_min", "L", ["remove every occurrence of the smallest value", "drop all elements equal to the minimum", "delete the minimum wherever it occurs"], "result = [x for x in result if x != min(result)]")
step("only_repeated", "L", ["keep only the values that occur more than once", "drop the values that occur a single time", "keep what is repeated"], "result = [x for x in result if result.count(x) > 1]")
step("only_unique", "L", ["keep only the values that occur exactly once", "drop the values that occur more than once", "keep what is not repeated"], "result = [x for x in result if result.count(x) == 1]")
end("list", "L", "L", ["return the resulting list", "return the list", "give back the list"], "return result")
end("sum", "L", "I", ["return the sum", "return the total", "add everything up"], "return sum(result)")
end("count", "L", "I", ["return how many are left", "return the number of elements", "count the elements"], "return len(result)")
end("maximum", "L", "I", ["return the largest value or 0 if there is none", "give the maximum, or 0 when empty", "return the top value (0 when empty)"], "return max(result, default=0)")
end("minimum", "L", "I", ["return the smallest value or 0 if there is none", "give the minimum, or 0 when empty", "return the lowest value (0 when empty)"], "return min(result, default=0)")
end("spread", "L", "I", ["return the largest minus the smallest value, or 0 if empty", "give the difference of maximum and minimum, or 0 when empty", "return the range of the values (0 when empty)"], "return max(result) - min(result) if result else 0")
end("product", "L", "I", ["return the product", "multiply everything together and return it", "give the product of all elements"], "product = 1\nfor x in result:\n    product *= x\nreturn product")
end("second", "L", "I", ["return the second largest distinct value, or 0", "give the runner-up among distinct values, or 0 if missing", "return the second highest different value (0 if missing)"], "ordered = sorted(set(result))\nreturn ordered[-2] if len(ordered) > 1 else 0")
end("mode", "L", "I", ["return the most frequent value, the smaller on ties, or 0 if empty", "give the commonest value, smallest on ties, 0 when empty", "return the value that occurs most, smallest first on ties (0 when empty)"], "return min(result, key=lambda x: (-result.count(x), x), default=0)")
end("first", "L", "I", ["return the first element, or -1 if there is none", "give the head of the list, or -1 when empty", "return the leading element (-1 when empty)"], "return result[0] if result else -1")
end("last", "L", "I", ["return the last element, or -1 if there is none", "give the final element, or -1 when empty", "return the trailing element (-1 when empty)"], "return result[-1] if result else -1")
end("average", "L", "I", ["return the average rounded down, or 0 if empty", "give the mean as an integer rounded down, 0 when empty", "return the floor of the mean (0 when empty)"], "return sum(result) // len(result) if result else 0")
end("median", "L", "I", ["return the middle element after sorting, the lower one of two, or 0 if empty", "give the lower median, 0 when empty", "return the lower middle value in sorted order (0 when empty)"], "ordered = sorted(result)\nreturn ordered[(len(ordered) - 1) // 2] if ordered else 0")
end("frequencies", "L", "D", ["return a dictionary from value to count", "map each value to how often it occurs", "count each value in a dictionary"], "counts = {{}}\nfor x in result:\n    counts[x] = counts.get(x, 0) + 1\nreturn counts")
end("squares", "L", "D", ["return a dictionary from each value to its square", "map each value to its square in a dictionary", "build a dictionary of squares"], "return {{x: x * x for x in result}}")
end("positions", "L", "D", ["return a dictionary from value to the index of its first occurrence", "map each value to where it first occurs", "build a dictionary of first positions"], "places = {{}}\nfor i, x in enumerate(result):\n    places.setdefault(x, i)\nreturn places")
end("is_sorted", "L", "B", ["return whether it is in ascending order", "tell if no element is smaller than the one before it", "say whether the numbers never go down"], "return all(a <= b for a, b in zip(result, result[1:]))")
end("any", "L", "B", ["return whether any number is greater than {k}", "tell if there is a value above {k}", "say whether some element exceeds {k}"], "return any(x > {k} for x in result)", small(0, 20))
end("contains", "L", "B", ["return whether {k} occurs in it", "tell if {k} is among the elements", "say whether the list holds {k}"], "return {k} in result", small(0, 9))
end("joined", "L", "S", ["return the numbers joined by {n}", "give the numbers as text with {n} between them", "write the numbers in one string separated by {n}"], 'return "{s}".join(str(x) for x in result)', separator)
end("pairs", "L", "L", ["return the list of pairs of index and value", "give each value with its index as a pair", "return tuples of position and value"], "return list(enumerate(result))")

step("upper", "S", ["convert the text to upper case", "make all letters capital", "write it in capitals"], "result = result.upper()")
step("lower", "S", ["convert the text to lower case", "make all letters small", "write it in small letters"], "result = result.lower()")
step("swap_case", "S", ["swap the case of every letter", "turn capitals into small letters and the reverse", "flip upper and lower case"], "result = result.swapcase()")
step("text_reverse", "S", ["reverse the text", "read the string backwards", "turn the text around"], "result = result[::-1]")
step("no_vowels", "S", ["remove all vowels", "drop every vowel", "delete the vowels"], 'result = "".join(c for c in result if c.lower() not in "aeiou")')
step("vowels", "S", ["keep only the vowels", "drop everything that is not a vowel", "leave nothing but vowels"], 'result = "".join(c for c in result if c.lower() in "aeiou")')
step("letters", "S", ["keep only letters", "drop every character that is not a letter", "leave nothing but letters"], 'result = "".join(c for c in result if c.isalpha())')
step("digits", "S", ["keep only digits", "drop every character that is not a digit", "leave nothing but digits"], 'result = "".join(c for c in result if c.isdigit())')
step("no_digits", "S", ["remove all digits", "drop every digit", "delete the digits"], 'result = "".join(c for c in result if not c.isdigit())')
step("no_spaces", "S", ["remove all spaces", "drop every space", "delete the blanks"], 'result = result.replace(" ", "")')
step("remove_letter", "S", ["remove every letter {c}", "delete all occurrences of {c}", "drop each {c}"], 'result = result.replace("{c}", "")', letter)
step("replace_letter", "S", ["replace each {c} by {d}", "turn every {c} into {d}", "write {d} in place of {c}"], 'result = result.replace("{c}", "{d}")', two_letters)
step("space_to", "S", ["replace each space by {n}", "turn spaces into {n}", "write {n} in place of every blank"], 'result = result.replace(" ", "{s}")', separator)
step("distinct_characters", "S", ["remove repeated characters keeping the first", "keep each character once in order of appearance", "drop characters seen before"], 'result = "".join(dict.fromkeys(result))')
step("squeeze", "S", ["collapse runs of equal characters into one", "drop every character equal to the one before it", "shorten repeated neighbours to one character"], 'squeezed = ""\nfor c in result:\n    if not squeezed or squeezed[-1] != c:\n        squeezed += c\nresult = squeezed')
step("sort_characters", "S", ["sort the characters", "put the characters in sorted order", "order the characters by their codes"], 'result = "".join(sorted(result))')
step("take_characters", "S", ["take the first {k} characters", "cut the text to {k} characters", "keep the leading {k} characters"], "result = result[:{k}]", small(3, 9))
step("skip_characters", "S", ["skip the first {k} characters", "drop the leading {k} characters", "leave out the first {k} characters"], "result = result[{k}:]", small(1, 4))
step("every_character", "S", ["take every {k}th character starting at the first", "keep one character in {k}, beginning with the first", "pick each {k}th character from the first on"], "result = result[::{k}]", small(2, 3))
step("repeat_text", "S", ["repeat the text {k} times", "write the string {k} times in a row", "say the text {k} times"], "result = result * {k}", small(2, 4))
step("mirror", "S", ["append the reversed text", "add the text backwards at its end", "make it a mirror of itself"], "result = result + result[::-1]")
step("double_characters", "S", ["double every character", "write each character twice", "repeat each character once"], 'result = "".join(c * 2 for c in result)')
step("split", "S", ["split into words", "break the text at spaces", "cut the text into words"], "result = result.split()", gives="W")
end("text", "S", "S", ["return the resulting text", "return the string", "give back the text"], "return result")
end("length", "S", "I", ["return the length", "return how many characters remain", "count the characters"], "return len(result)")
end("count_vowels", "S", "I", ["return the number of vowels", "count the vowels", "say how many vowels there are"], 'return sum(1 for c in result if c.lower() in "aeiou")')
end("count_capitals", "S", "I", ["return the number of capital letters", "count the upper case letters", "say how many capitals there are"], "return sum(1 for c in result if c.isupper())")
end("count_letter", "S", "I", ["count the letter {c}", "return how often {c} occurs", "say how many times {c} is there"], 'return result.count("{c}")', letter)
end("palindrome", "S", "B", ["return whether it is a palindrome", "tell if it reads the same backwards", "say whether it equals its reverse"], "return result == result[::-1]")
end("starts", "S", "B", ["return whether it starts with {c}", "tell if its first letter is {c}", "say whether {c} comes first"], 'return result.startswith("{c}")', letter)
end("character_counts", "S", "D", ["return a dictionary from character to count", "map each character to how often it occurs", "count each character in a dictionary"], "counts = {{}}\nfor c in result:\n    counts[c] = counts.get(c, 0) + 1\nreturn counts")
end("digit_total", "S", "I", ["return the sum of its digits", "add up the digits in it", "give the total of its digits"], "return sum(int(c) for c in result if c.isdigit())")
end("commonest_character", "S", "S", ["return the most frequent character, the first to occur on ties, or an empty string", "give the commonest character, the earliest on ties, empty text if none", "return the character that occurs most (earliest on ties, empty if none)"], 'return max(result, key=result.count, default="")')
end("codes", "S", "L", ["return the list of character codes", "give the code of each character in a list", "list the ord of every character"], "return [ord(c) for c in result]")

step("longer", "W", ["keep the words longer than {k} letters", "drop words of at most {k} letters", "keep words with more than {k} letters"], "result = [w for w in result if len(w) > {k}]", small(2, 4))
step("shorter", "W", ["keep the words shorter than {k} letters", "drop words of at least {k} letters", "keep words with fewer than {k} letters"], "result = [w for w in result if len(w) < {k}]", small(4, 6))
step("starting", "W", ["keep the words that start with {c}", "select words beginning with {c}", "keep words whose first letter is {c}"], 'result = [w for w in result if w.startswith("{c}")]', letter)
step("ending", "W", ["keep the words that end with {c}", "select words ending in {c}", "keep words whose last letter is {c}"], 'result = [w for w in result if w.endswith("{c}")]', letter)
step("containing", "W", ["keep the words containing {c}", "drop words without the letter {c}", "keep words with {c} in them"], 'result = [w for w in result if "{c}" in w]', letter)
step("even_length", "W", ["keep the words of even length", "drop words with an odd number of letters", "keep words whose length is even"], "result = [w for w in result if len(w) % 2 == 0]")
step("capitalised", "W", ["keep the words that start with a capital", "drop words that begin with a small letter", "keep words whose first letter is upper case"], "result = [w for w in result if w[0].isupper()]")
step("words_reverse", "W", ["reverse the order of the words", "put the words in the opposite order", "turn the word list around"], "result = result[::-1]")
step("each_reversed", "W", ["reverse each word", "spell every word backwards", "turn each word around"], "result = [w[::-1] for w in result]")
step("capitalise", "W", ["capitalize each word", "start every word with a capital", "make each first letter upper case and the rest lower case"], "result = [w.capitalize() for w in result]")
step("words_upper", "W", ["put each word in upper case", "write every word in capitals", "shout each word"], "result = [w.upper() for w in result]")
step("words_lower", "W", ["put each word in lower case", "write every word in small letters", "make each word lower case"], "result = [w.lower() for w in result]")
step("words_sort", "W", ["sort the words alphabetically", "order the words from a to z", "put the words in dictionary order"], "result = sorted(result)")
step("by_length", "W", ["sort the words by length", "order the words from shortest to longest", "put shorter words first"], "result = sorted(result, key=len)")
step("by_last_letter", "W", ["sort the words by their last letter", "order the words by how they end", "sort by final letter"], "result = sorted(result, key=lambda w: w[-1])")
step("by_length_then_name", "W", ["sort the words by length and then alphabetically", "order the words from shortest to longest, equal ones from a to z", "sort by length, ties in dictionary order"], "result = sorted(result, key=lambda w: (len(w), w))")
step("words_distinct", "W", ["remove repeated words", "keep each distinct word once", "drop words seen before"], "result = list(dict.fromkeys(result))")
step("words_take", "W", ["take the first {k} words", "keep only the leading {k} words", "cut the list after {k} words"], "result = result[:{k}]", small(2, 4))
step("words_skip", "W", ["skip the first word", "drop the leading word", "leave out the first word"], "result = result[1:]")
step("add_length", "W", ["append to each word its length", "write after each word how long it is", "put the letter count at the end of every word"], "result = [w + str(len(w)) for w in result]")
step("first_letters", "W", ["cut each word to its first {k} letters", "keep the leading {k} letters of every word", "shorten every word to {k} letters"], "result = [w[:{k}] for w in result]", small(2, 3))
end("word_count", "W", "I", ["return the number of words", "count the words", "say how many words there are"], "return len(result)")
end("join", "W", "S", ["join the words with {n}", "return the words glued by {n}", "return one string with {n} between the words"], 'return "{s}".join(result)', separator)
end("longest", "W", "S", ["return the longest word, the first on ties, or an empty string", "give the longest word, the earliest on ties, empty text if none", "return the word with most letters (earliest on ties, empty if none)"], 'return max(result, key=len, default="")')
end("shortest", "W", "S", ["return the shortest word, the first on ties, or an empty string", "give the shortest word, the earliest on ties, empty text if none", "return the word with fewest letters (earliest on ties, empty if none)"], 'return min(result, key=len, default="")')
end("words", "W", "W", ["return the list of words", "return the words as a list", "give back the words"], "return result")
end("lengths", "W", "L", ["return the list of word lengths", "return how long each word is", "give the letter count of each word"], "return [len(w) for w in result]")
end("length_map", "W", "D", ["return a dictionary from word to length", "map each word to its length", "build a dictionary of word lengths"], "return {{w: len(w) for w in result}}")
end("word_counts", "W", "D", ["return a dictionary from word to count", "map each word to how often it occurs", "count each word in a dictionary"], "counts = {{}}\nfor w in result:\n    counts[w] = counts.get(w, 0) + 1\nreturn counts")
end("by_initial", "W", "D", ["return a dictionary from first letter to the list of words", "group the words by first letter in a dictionary", "collect words under their initial"], "groups = {{}}\nfor w in result:\n    groups.setdefault(w[0], []).append(w)\nreturn groups")
end("by_size", "W", "D", ["return a dictionary from length to the list of words", "group the words by length in a dictionary", "collect words under their letter count"], "groups = {{}}\nfor w in result:\n    groups.setdefault(len(w), []).append(w)\nreturn groups")
end("initials", "W", "S", ["return the initials as one string", "join the first letters", "give the first letter of each word in one text"], 'return "".join(w[0] for w in result)')
end("letters_total", "W", "I", ["return the total number of letters", "add up the word lengths", "count the letters of all words"], "return sum(len(w) for w in result)")
end("commonest_word", "W", "S", ["return the most frequent word, the first to occur on ties, or an empty string", "give the commonest word, the earliest on ties, empty text if none", "return the word that occurs most (earliest on ties, empty if none)"], 'return max(result, key=result.count, default="")')
