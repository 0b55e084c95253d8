# category: resource
# wasm: timeout
# local: timeout
import time
time.sleep(10 ** 6)
