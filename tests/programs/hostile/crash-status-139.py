# category: crash
# wasm: failed
# local: failed
import os
os._exit(139)
