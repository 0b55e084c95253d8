# category: resource
# wasm: output-limit
# local: output-limit
import os
for _ in range(4_000):
    os.write(1, b"x" * 1000)
