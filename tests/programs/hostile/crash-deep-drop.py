# category: crash
# wasm: passed
# local: passed
# prints: dropped
# CPython frees deep nests without recursion.
nest = None
for _ in range(1_000_000):
    nest = (nest,)
del nest
print("dropped")
