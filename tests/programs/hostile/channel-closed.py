# category: channel
# wasm: passed failed
# local: passed failed
# prints: right
import os
os.close(3)
print("right")
