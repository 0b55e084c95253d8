# category: resource
# wasm: timeout
# local: timeout
import time
while True:
    time.sleep(0.001)
