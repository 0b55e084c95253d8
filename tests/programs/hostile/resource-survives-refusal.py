# category: resource
# wasm: passed
# local: passed
# prints: survived
# A refused allocation that the program copes with is no verdict.
try:
    bytearray(1 << 30)
except MemoryError:
    print("survived")
