# category: benign
# test: assert f('abb') == [('b', 2), ('a', 1)]
# wasm: passed
# local: passed
import collections
Pair = collections.namedtuple("Pair", "letter count")
def f(text):
    return [Pair(*pair) for pair in collections.Counter(text).most_common()]
