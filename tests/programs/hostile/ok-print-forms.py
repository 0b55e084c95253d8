# category: benign
# wasm: passed
# local: passed
# prints: a-b!c\nd
import sys
print("a", "b", sep="-", end="!", flush=True)
print("c", file=sys.stdout, flush=True)
sys.stdout.write("d")
