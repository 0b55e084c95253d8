# category: benign
# wasm: passed
# local: passed
# stdin: 5\n1 2 3 4 5\n
# prints: 15
import sys
input = sys.stdin.readline
data = open(0).read().split()
print(sum(map(int, data[1:])))
