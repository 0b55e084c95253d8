# category: benign
# test: assert f(4) == 2
# wasm: passed
# local: passed
def f(n):
    return n ** 0.5
