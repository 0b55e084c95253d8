# category: benign
# wasm: passed
# local: passed
# prints: RED True 3 Child Base
import abc, enum
class Color(enum.Enum):
    RED = 1
class Base(abc.ABC):
    __slots__ = ("n",)
    @abc.abstractmethod
    def name(self): ...
    @property
    def size(self): return 3
class Child(Base):
    def name(self): return "Child " + super().__thisclass__.__base__.__name__
print(Color.RED.name, issubclass(Child, Base), Child().size, Child().name())
