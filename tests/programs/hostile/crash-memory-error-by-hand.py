# category: crash
# wasm: failed
# local: failed memory
# No limit was hit: the machinery knows that in wasm.
raise MemoryError("not really")
