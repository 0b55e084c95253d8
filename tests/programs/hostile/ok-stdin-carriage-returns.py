# category: benign
# wasm: passed
# local: passed
# stdin: 1 2\r\n3 4\r\n
# prints: ['1 2', '3 4']
import sys
print([line.strip() for line in sys.stdin])
