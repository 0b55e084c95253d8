# category: resource
# wasm: output-limit
# local: output-limit
# One byte more than may be.
import sys
sys.stdout.write("x" * ((1 << 20) + 1))
