# category: benign
# wasm: passed
# local: passed
# prints: f 8
# `candidate.py` and line numbers, as a program sees itself.
import inspect, traceback
def f():
    return inspect.currentframe().f_code.co_name, inspect.currentframe().f_lineno
print(*f())
