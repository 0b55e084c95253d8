# category: resource
# wasm: output-limit failed denied
# local: output-limit
import os
copy = os.dup(1)
for _ in range(4_000):
    os.write(copy, b"x" * 1000)
