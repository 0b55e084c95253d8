# category: benign
# wasm: passed failed denied
# local: passed
# prints: [0, 1, 4]
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda n: n * n, range(3))))
