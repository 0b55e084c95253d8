# category: channel
# wasm: passed failed
# local: passed
# prints: first
import os, sys
print("first", flush=True)
os.dup2(2, 1)
print("second", flush=True)
