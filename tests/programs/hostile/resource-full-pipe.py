# category: resource
# wasm: failed denied crashed timeout
# local: timeout
import os
reader, writer = os.pipe()
for _ in range(1 << 12):
    os.write(writer, bytes(1 << 16))
