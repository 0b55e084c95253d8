# category: benign
# test: assert f(1) == 2
# wasm: passed
# local: passed
import sys
def f(n):
    print("debug", n)
    print("debug", n, file=sys.stderr)
    sys.stdout.flush()
    return n + 1
