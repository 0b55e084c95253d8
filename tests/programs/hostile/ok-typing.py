# category: benign
# wasm: passed
# local: passed
# prints: typing.List[int] True 3
import typing
from typing import Callable, Dict, Generic, List, Optional, Tuple, TypeVar, Union
T = TypeVar("T")
class Box(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item
def last(xs: List[int]) -> Optional[int]:
    return xs[-1] if xs else None
hints = typing.get_type_hints(last)
print(hints["xs"], hints["return"] == Optional[int], Box[int](3).item)
