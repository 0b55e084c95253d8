# category: state
# group: state
# wasm: passed
# local: passed
# prints: 257 1000
print(256 + 1, 10 ** 3)
