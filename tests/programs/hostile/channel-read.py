# category: channel
# wasm: timeout failed
# local: timeout failed
# Waits for a request that does not come while this one is open.
import os
print(len(os.read(3, 100)))
os._exit(1)
