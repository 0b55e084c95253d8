
import builtins
import re

# Classes whose objects may come from the candidate.
_classes = {}


def _class_of(name):
    if name in _classes:
        return _classes[name]
    found = getattr(builtins, name, None)
    if isinstance(found, type):
        return found
    raise TypeError("an object of class %s came, which the tests do not know" % name)


def _is_object(value):
    if not hasattr(value, "__dict__") or isinstance(value, type) or callable(value):
        return False
    if type(value).__module__ in (__name__, "builtins") or type(value).__name__ in _classes:
        _classes.setdefault(type(value).__name__, type(value))
        return True
    return False


def _call(operation, name, receiver, args, kwargs):
    packer = _Packer([], _is_object, keeps=True)
    packed = packer.pack([receiver, *args, *kwargs.values()])
    receiver, args, values = packed[0], packed[1 : 1 + len(args)], packed[1 + len(args) :]
    raised, answer, heap = candidate(operation, name, packer.heap, receiver, args, list(map(list, zip(kwargs, values))))
    # Iterators are used up where they are looked at, so what was sent stays as it is.
    heap = [sent if sent[0] == "iterator" else new for sent, new in zip(packer.heap, heap)] + heap[len(packer.heap) :]
    _, value = _unpack(heap, packer.known, _class_of)
    if raised:
        kind = getattr(builtins, raised[0], None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            kind = type(raised[0], (Exception,), {})
        raise kind(raised[1])
    return value(answer)


def function(name):
    """The candidate's function of this name."""
    return lambda *args, **kwargs: _call("call", name, None, args, kwargs)


class _Method:
    """A method of the candidate's, called through an object or the class."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        receiver = owner if instance is None else instance
        return lambda *args, **kwargs: _call("method", self.name, receiver, args, kwargs)


class _Attribute:
    """What is no field: a property."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        return _call("get", self.name, owner if instance is None else instance, (), {})


class _Mirror(type):
    def __call__(cls, *args, **kwargs):
        return _call("call", cls.__name__, None, args, kwargs)

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _call("get", name, cls, (), {})


def mirror(name, skeleton):
    """A class that stands for the candidate's class of this name, with the methods and properties that a skeleton gives it.
    Other attributes are asked for when they are used."""

    def missing(self, attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return _call("get", attribute, self, (), {})

    members = {"__getattr__": missing, "__module__": __name__}
    # By lines: some skeletons are no Python.
    method = re.compile(r"^    (@property|)(?:def (\w+)\(|)", re.MULTILINE)
    is_property = False
    for decorator, found in method.findall(skeleton):
        if found and found not in ("__init__", "__new__"):
            members[found] = _Attribute(found) if is_property else _Method(found)
        is_property = decorator == "@property" or (is_property and not found)
    _classes[name] = _Mirror(name, (), members)
    return _classes[name]
