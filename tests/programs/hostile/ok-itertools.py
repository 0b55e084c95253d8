# category: benign
# wasm: passed
# local: passed
# prints: 6 [(0, 2), (1, 3)] 24
import functools, itertools, operator
print(len(list(itertools.permutations("abc"))), list(zip([0, 1], [2, 3])), functools.reduce(operator.mul, range(1, 5)))
