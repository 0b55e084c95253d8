# category: benign
# test: assert f([1], k=2) == {1: (2, None)}
# wasm: passed
# local: passed
def f(xs, *, k=1, rest=None):
    return {xs[0]: (k, rest)}
