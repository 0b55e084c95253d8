# category: crash
# wasm: passed
# local: passed
# prints: Segmentation fault (core dumped)
print("Segmentation fault (core dumped)")
