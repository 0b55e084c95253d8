# category: benign
# wasm: passed
# local: passed
# stdin: 1 2 3\n4\n
# prints: 10
import sys
print(sum(map(int, sys.stdin.buffer.read().split())))
