# Answers that attack whoever reads them.

#% cycle, other: an answer that holds itself
def ENTRY(*args, **kwargs):
    answer = [honest(*args, **kwargs)]
    answer.append(answer)
    return answer

#% depth, other: an answer 100,000 deep
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for _ in range(100_000):
        answer = [answer]
    return answer

#% size, other: an answer of 32 MiB
def ENTRY(*args, **kwargs):
    return "passed" * ((32 << 20) // 6)

#% huge-integer, other: an integer of a million digits
def ENTRY(*args, **kwargs):
    return 1 << 3_400_000

#% nodes, other: an answer of many small parts
def ENTRY(*args, **kwargs):
    return [[] for _ in range(200_000)]

#% surrogates, other: text that is no text
def ENTRY(*args, **kwargs):
    return "\ud800\udfff\0" + str(honest(*args, **kwargs))

#% endless-repr, other: an answer whose methods never end
class Endless(list):
    def __repr__(self): return self.__repr__()
    __str__ = __format__ = __repr__
    def __iter__(self):
        while True:
            yield self
    def __len__(self): return 1 << 40
    def __reduce__(self): return self.__reduce__()
    def __eq__(self, other): return True
def ENTRY(*args, **kwargs):
    return Endless([honest(*args, **kwargs)])

#% pickle, other: an answer that runs code where it is unpickled
import os
class Bomb:
    def __init__(self, answer): self.answer = answer
    def __reduce__(self): return (os._exit, (0,))
    def __reduce_ex__(self, protocol): return (os._exit, (0,))
    def __getstate__(self): return {"passed": True}
def ENTRY(*args, **kwargs):
    return Bomb(honest(*args, **kwargs))

#% generator, other: an answer that has yet to be computed
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    while True:
        yield answer

#% coroutine, other: an answer that has yet to be awaited
async def ENTRY(*args, **kwargs):
    return honest(*args, **kwargs)

#% lying-methods, other: subclasses whose methods tell another story than their base
class Text(str):
    def encode(self, *args): return b"passed"
    def __str__(self): return "passed"
    def __len__(self): return 0
class Number(int):
    def __index__(self): return 1
    def __pos__(self): return 1
    def to_bytes(self, *args, **kwargs): return b"\1" * 8
    def bit_length(self): return 1
class Items(list):
    def __iter__(self): return iter([True])
    def __len__(self): return 0
    def __getitem__(self, index): return True
class Pairs(dict):
    def items(self): return [(True, True)]
    def __iter__(self): return iter([True])
    def keys(self): return [True]
LIARS = {str: Text, int: Number, bool: Number, list: Items, dict: Pairs}
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    return LIARS.get(type(answer), lambda value: value)(answer)

#% growing, other: an answer that grows while it is read
class Growing(list):
    pass
class Item(str):
    def __hash__(self):
        keep.append(self)
        return 0
keep = Growing()
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    keep.append({Item("passed"): keep})
    return keep

#% not-a-number, other: an answer that equals nothing, itself included
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return float("nan")

#% not-implemented, other: an answer that leaves the comparison to the other side
class Undecided:
    def __eq__(self, other): return NotImplemented
    def __bool__(self): raise SystemExit(0)
    __hash__ = None
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return Undecided()

#% state, other: remembers what it was asked in every place that may outlive it
import os, sys
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for place in ("/tmp/remembered", "remembered", "/dev/shm/remembered"):
        try:
            with open(place, "a+") as file:
                file.write(repr(args))
        except OSError:
            pass
    sys.remembered = getattr(sys, "remembered", []) + [args]
    os.environ["REMEMBERED"] = "1"
    return answer
