# category: crash
# wasm: failed
# local: failed
raise TimeoutError("timed out")
