# category: benign
# wasm: passed
# local: passed
# prints: 354224848179261915075 CacheInfo(hits=98, misses=101, maxsize=None, currsize=101)
from functools import lru_cache
@lru_cache(None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
print(fibonacci(100), fibonacci.cache_info())
