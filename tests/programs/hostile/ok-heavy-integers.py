# category: benign
# wasm: passed
# local: passed
# prints: 2568 65536 1
import math
print(len(str(math.factorial(1_000))), (2 ** 65535).bit_length(), pow(3, 2 ** 61 - 2, 2 ** 61 - 1))
