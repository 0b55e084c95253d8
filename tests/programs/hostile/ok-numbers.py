# category: benign
# wasm: passed
# local: passed
# prints: 0.1 1e+16 inf nan -0.0 (1+2j) 3.142 1,234
import math
print(0.1, 1e16, math.inf, math.nan, -0.0, 1 + 2j, f"{math.pi:.3f}", f"{1234:,}")
