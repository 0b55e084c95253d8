# category: benign
# wasm: passed
# local: passed
# prints: list[int]
from __future__ import annotations
def f(xs: list[int]) -> None: ...
print(f.__annotations__["xs"])
