# category: crash
# wasm: failed crashed denied
# local: crashed
import os
os.kill(os.getpid(), 9)
