# category: resource
# wasm: output-limit failed
# local: output-limit failed
# The traceback itself is too long; its program had failed by then.
raise ValueError("x" * (4 << 20))
