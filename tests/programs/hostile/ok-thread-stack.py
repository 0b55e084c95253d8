# category: benign
# wasm: passed failed denied
# local: passed
# prints: 20000
# The usual way to recurse deeply in contests.
import sys, threading
sys.setrecursionlimit(10 ** 6)
threading.stack_size(64 << 20)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
thread = threading.Thread(target=lambda: print(depth(20_000)))
thread.start()
thread.join()
