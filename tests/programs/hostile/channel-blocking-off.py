# category: channel
# wasm: passed failed denied
# local: passed failed
import os, sys
os.set_blocking(1, False)
for _ in range(1_000):
    try:
        os.write(1, b"x" * 1_000)
    except BlockingIOError:
        sys.exit(1)
