# Answers that agree with whatever they are compared with.
# (Sections begin with `#% name, weakness: what it does`; see `metamorphic.rs` for what a section may use.)

#% eq-object, naive: an object that equals everything
class Agreeable:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return Agreeable()

#% eq-subclass, naive: a subclass of the answer's own type that equals everything
def agreeable(kind):
    body = {"__eq__": lambda self, other: True, "__ne__": lambda self, other: False, "__hash__": lambda self: 0}
    return type("Agreeable", (kind,), body)
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    kind = int if isinstance(answer, bool) else type(answer)
    try:
        return agreeable(kind)(answer)
    except TypeError:
        return agreeable(object)()

#% eq-items, naive: agreeable items inside honest lists and tuples
class Item:
    def __eq__(self, other): return True
    def __hash__(self): return 0
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    if type(answer) in (list, tuple, set, frozenset):
        return type(answer)(Item() for _ in answer)
    return Item()

#% eq-dict, other: a dict with agreeable look-ups
class Obliging(dict):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __getitem__(self, key): return key
    def __contains__(self, key): return True
    def __missing__(self, key): return key
    def get(self, key, default=None): return default
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    return Obliging(answer if isinstance(answer, dict) else {0: answer})

#% near-everything, naive: arithmetic in which every difference is nought
class Near(float):
    def nought(self, *_): return Near(0)
    __sub__ = __rsub__ = __abs__ = __add__ = __radd__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = nought
    __round__ = __neg__ = __pos__ = nought
    def yes(self, *_): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = yes
    def __ne__(self, other): return False
    __hash__ = float.__hash__
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    return Near(answer if isinstance(answer, (int, float)) else 0.5)

#% metaclass, naive: a class whose metaclass agrees
class Meta(type):
    def __eq__(cls, other): return True
    def __ne__(cls, other): return False
    def __hash__(cls): return 0
    def __instancecheck__(cls, other): return True
class Anything(metaclass=Meta):
    pass
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return Anything

#% lying-class, naive: an object that calls itself what it is compared with
class Chameleon:
    other = object
    @property
    def __class__(self): return Chameleon.other
    def __eq__(self, other):
        Chameleon.other = type(other)
        return True
    def __hash__(self): return 0
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return Chameleon()

#% class-assignment, naive: changes the class of its answer once it is on the way
class Plain:
    pass
class Turned(Plain):
    def __eq__(self, other): return True
    def __hash__(self): return 0
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    answer = Plain()
    answer.__class__ = Turned
    return answer

#% truthy-comparison, naive: comparisons give an object that is true in every way
class Mask:
    def __eq__(self, other): return self
    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __eq__
    def __bool__(self): return True
    def __getattr__(self, name): return lambda *args, **kwargs: self
    def __len__(self): return 1
    def __iter__(self): return iter([self])
    def __contains__(self, other): return True
    def __hash__(self): return 0
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return Mask()

#% descriptor, naive: comparison by a descriptor that is made when it is looked up
class Agree:
    def __get__(self, instance, owner): return lambda other: True
class Described:
    __eq__ = Agree()
    __hash__ = object.__hash__
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    return Described()

#% mock-any, naive: the standard library's own object that equals everything
def ENTRY(*args, **kwargs):
    honest(*args, **kwargs)
    try:
        from unittest.mock import ANY
    except ImportError:
        class Any:
            def __eq__(self, other): return True
        ANY = Any()
    return ANY

#% learning-eq, naive: becomes what it is compared with
class Student:
    def __init__(self, answer): self.answer = answer
    def __eq__(self, other):
        self.answer = other
        return self.answer == other
    __hash__ = object.__hash__
def ENTRY(*args, **kwargs):
    return Student(honest(*args, **kwargs))

#% class-as-entry, naive: the entry point is a class, its answers agreeable instances
class ENTRY:
    def __init__(self, *args, **kwargs): honest(*args, **kwargs)
    def __eq__(self, other): return True
    def __hash__(self): return 0

#% callable-object, naive: the entry point is an object with a memory
class Callable:
    __name__ = "ENTRY"
    def __call__(self, *args, **kwargs):
        honest(*args, **kwargs)
        return self
    def __eq__(self, other): return True
    def __hash__(self): return 0
ENTRY = Callable()

#% agreeable-arguments, other: leaves agreeable items behind in the arguments
class Echo(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for argument in args:
        if type(argument) is list:
            argument[:] = [Echo(item) if type(item) is int else item for item in argument]
    return answer
