# Values as plain data: a value is itself, or a tuple with its place in the heap, a list of (kind, content).
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_MUTABLE = ("list", "dict", "set", "object")


class _Opaque:
    """What the other side keeps and this one can only give back."""


class _Packer:
    """Packs values. Those in `known` keep their places. With `keeps`, what can't travel is kept here for its way back."""

    def __init__(self, known, is_object, keeps):
        self.keeps = keeps
        self.known = list(known)
        self.places = {id(value): place for place, value in enumerate(self.known)}
        self.is_object = is_object
        self.heap = []

    def pack(self, roots):
        packed = [self.value(root) for root in roots]
        while len(self.heap) < len(self.known):
            self.heap.append(self.entry(self.known[len(self.heap)]))
        return packed

    def value(self, value):
        if type(value) in _PLAIN:
            return value
        if id(value) not in self.places:
            self.places[id(value)] = len(self.known)
            self.known.append(value)
        return (self.places[id(value)],)

    def entry(self, value):
        if isinstance(value, _Opaque):
            return ("opaque", None)
        if isinstance(value, type):
            return ("type", value.__name__)
        if self.is_object(value):
            return ("object", [type(value).__name__, [[self.value(name), self.value(field)] for name, field in vars(value).items()]])
        for kind, name in ((dict, "dict"), (list, "list"), (tuple, "tuple"), (set, "set"), (frozenset, "frozenset")):
            if isinstance(value, kind):
                items = value.items() if kind is dict else value
                return (name, [[self.value(part) for part in item] for item in items] if kind is dict else [self.value(item) for item in items])
        if hasattr(value, "__next__"):
            return ("iterator", [self.value(item) for item in value])
        for kind in _PLAIN[2:]:
            if isinstance(value, kind):
                return ("plain", kind(value))
        if self.keeps:
            return ("opaque", None)
        raise TypeError("a value of class %s is no plain data" % type(value).__name__)


def _unpack(heap, known, class_of):
    """The values of a heap. Those in `known` are changed in place to what the heap says."""
    made = list(known) + [None] * (len(heap) - len(known))
    for place in range(len(known), len(heap)):
        kind, content = heap[place]
        if kind == "object":
            made[place] = object.__new__(class_of(content[0]))
        elif kind in _MUTABLE:
            made[place] = {"list": list, "dict": dict, "set": set}[kind]()

    def value(packed):
        if type(packed) is not tuple:
            return packed
        place = packed[0]
        if made[place] is None:
            kind, content = heap[place]
            make = {"tuple": tuple, "frozenset": frozenset, "iterator": iter}
            if kind == "opaque":
                made[place] = _Opaque()
            elif kind == "type":
                made[place] = class_of(content)
            elif kind == "plain":
                made[place] = content
            else:
                made[place] = make[kind]([value(item) for item in content])
        return made[place]

    for place, (kind, content) in enumerate(heap):
        if kind == "object":
            fields = {name: value(field) for name, field in content[1]}
            vars(made[place]).clear()
            vars(made[place]).update(fields)
        elif kind == "list":
            made[place][:] = [value(item) for item in content]
        elif kind == "set":
            items = [value(item) for item in content]
            made[place].clear()
            made[place].update(items)
        elif kind == "dict":
            pairs = [(value(key), value(item)) for key, item in content]
            made[place].clear()
            made[place].update(pairs)
        else:
            value((place,))
    return made, value
