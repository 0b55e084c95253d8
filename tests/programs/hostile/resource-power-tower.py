# category: resource
# wasm: timeout memory
# local: timeout memory
print(len(bin(9 ** 9 ** 9)))
