# category: benign
# test: assert f([2, 1]) == 3
# wasm: passed
# local: passed
# Names of builtins as the program's own.
list, str, sum, type, len = 1, 2, 3, 4, 5
def f(xs):
    total = 0
    for x in xs:
        total += x
    return total
