# category: benign
# wasm: passed
# local: passed
# stdin: never read\n
# prints: 1
print(1)
