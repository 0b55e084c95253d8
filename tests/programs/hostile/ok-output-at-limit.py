# category: benign
# wasm: passed
# local: passed
# prints-bytes: 1048576
# As many bytes as may be, on both streams.
import sys
sys.stdout.write("x" * (1 << 20))
sys.stderr.write("x" * (1 << 20))
