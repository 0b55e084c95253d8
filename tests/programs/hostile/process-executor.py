# category: process
# wasm: failed denied timeout
# local: failed denied timeout
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(1) as pool:
    print("BREACH", pool.submit(abs, -1).result())
