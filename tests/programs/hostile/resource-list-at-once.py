# category: resource
# wasm: memory
# local: memory
print(len([0] * (1 << 28)))
