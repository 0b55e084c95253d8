# category: resource
# wasm: output-limit
# local: output-limit
import warnings
warnings.simplefilter("always")
for _ in range(100_000):
    warnings.warn("x" * 100)
