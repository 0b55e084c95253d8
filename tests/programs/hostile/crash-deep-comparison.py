# category: crash
# wasm: failed crashed memory
# local: failed crashed memory
a, b = [], []
for _ in range(200_000):
    a, b = [a], [b]
print(a == b)
