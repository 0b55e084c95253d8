# category: resource
# wasm: failed memory
# local: failed memory
import os
keep = []
try:
    while True:
        keep.append(bytearray(1 << 22))
except MemoryError:
    os._exit(3)
