# category: benign
# wasm: passed
# local: passed
# prints: before
print("before")
exit()
print("after")
