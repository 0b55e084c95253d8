# category: crash
# wasm: failed crashed denied
# local: crashed
import os, signal
os.kill(os.getpid(), signal.SIGTERM)
