# category: benign
# wasm: passed
# local: passed
# prints: twice 6 f\nfirst second
import contextlib, functools
def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return 2 * function(*args)
    return wrapper
@twice
def f(n):
    return n
@contextlib.contextmanager
def around():
    print("first", end=" ")
    yield
    print("second")
print("twice", f(3), f.__name__)
with around():
    pass
