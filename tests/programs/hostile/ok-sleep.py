# category: benign
# wasm: passed
# local: passed
# prints: True
import time
start = time.perf_counter()
time.sleep(0.01)
print(time.perf_counter() - start >= 0.009)
