# category: benign
# wasm: passed
# local: passed
# prints: before
print("before")
quit(0)
