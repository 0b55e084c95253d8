# category: benign
# test: assert f(3) == 8
# wasm: passed
# local: passed
import functools
f = functools.partial(pow, 2)
