# category: benign
# wasm: passed
# local: passed
# prints: 104857600 2000000
block = bytearray(100 << 20)
print(len(block), len(list(range(2_000_000))))
