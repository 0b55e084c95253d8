# category: resource
# wasm: memory
# local: memory
# Small pieces: no single allocation is conspicuous.
keep = {}
for number in range(1 << 25):
    keep[number] = "%d" % number
print("BREACH")
