# category: channel
# wasm: failed timeout crashed output-limit memory
# local: failed timeout crashed output-limit memory
# Announces four gigabytes, and sends what it can.
import os
os.write(3, b"\xff\xff\xff\xff")
for _ in range(1 << 10):
    os.write(3, bytes(1 << 16))
