# category: benign
# wasm: passed
# local: passed
# stdin: 2\nx y\nz\n
# prints: 2 ['x y', 'z'] ''
import sys
n = int(sys.stdin.readline())
rows = [sys.stdin.readline().rstrip("\n") for _ in range(n)]
print(n, rows, repr(sys.stdin.readline()))
