# category: resource
# wasm: output-limit
# local: output-limit memory
import sys
sys.stdout.buffer.write(bytes(8 << 20))
sys.stdout.flush()
