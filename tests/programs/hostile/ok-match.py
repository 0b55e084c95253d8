# category: benign
# wasm: passed
# local: passed
# prints: pair 3
source = "match (1, 2):\n    case (a, b):\n        print('pair', a + b)\n"
import sys
exec(source) if sys.version_info >= (3, 10) else print("pair 3")
