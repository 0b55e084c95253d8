# category: resource
# wasm: output-limit
# local: output-limit
import atexit
atexit.register(print, "x" * (2 << 20))
