# category: benign
# wasm: passed
# local: passed
# prints: Point(x=1, y=[2]) True [Point(x=0, y=[]), Point(x=1, y=[2])]
from dataclasses import dataclass, field
@dataclass(order=True)
class Point:
    x: int
    y: list = field(default_factory=list)
print(Point(1, [2]), Point(1) == Point(1), sorted([Point(1, [2]), Point(0)]))
