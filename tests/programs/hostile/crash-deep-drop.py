# category: crash
# wasm: passed crashed
# local: passed
# prints: dropped
# CPython frees deep nests without recursion, as long as it sees its stack: in wasm it does not.
nest = None
for _ in range(1_000_000):
    nest = (nest,)
del nest
print("dropped")
