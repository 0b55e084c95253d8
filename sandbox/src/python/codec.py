"""The channel and the encoder of claims; a part of the driver."""


class Channel:
    """Frames on descriptor 3: u32 length, payload. Requests come as `marshal` has them: the host is to be trusted, and
    nothing reads them as fast. Answers are claims, and carry the id of the request that they belong to."""

    def __init__(self):
        self.id = 0

    def receive(self):
        head = self._exactly(4)
        if head is None:
            return None
        body = self._exactly(int.from_bytes(head, "little"))
        if body is None:
            return None
        request = _loads(body)
        self.id = request["id"]
        return request

    def send(self, answer):
        answer["id"] = self.id
        body = Encoder(1 << 32, 1 << 32).encode(answer).bytes
        view = memoryview(len(body).to_bytes(4, "little") + body)
        while view:
            view = view[_write(CHANNEL, view) :]

    def _exactly(self, count):
        data = bytearray()
        while len(data) < count:
            piece = _read(CHANNEL, min(count - len(data), 1 << 16))
            if not piece:
                return None
            data += piece
        return bytes(data)


class NotPlain(Exception):
    """The value is not plain data; `what` names the class or the limit."""

    def __init__(self, what):
        self.what = what


class Encoded:
    """A value that is encoded already."""

    def __init__(self, data):
        self.bytes = data


class Encoder:
    """The claim codec: a tag byte, then the value; counts and lengths are little-endian u32.

    N None, T True, F False, i i64, I sign byte and magnitude (length, little-endian bytes), f f64, c two f64,
    s UTF-8 with surrogates kept, b bytes, l list, t tuple, S set, Z frozenset, d dict (pairs in order).

    Types are told by `type(x) is`, and a subclass is read through its base type's own methods: no method of the
    candidate's runs here.
    """

    def __init__(self, bytes_max=ANSWER_BYTES, nodes_max=NODES_MAX):
        self.left = bytes_max
        self.nodes = nodes_max
        self.subclass = False
        self.open = set()
        self.out = bytearray()

    def encode(self, value):
        self.out = bytearray()
        try:
            self._value(value, 0)
        except RecursionError:
            raise NotPlain("depth") from None
        return Encoded(bytes(self.out))

    def _put(self, data):
        self.left -= len(data)
        if self.left < 0:
            raise NotPlain("size")
        self.out += data

    def _sized(self, tag, data):
        self._put(tag + len(data).to_bytes(4, "little"))
        self._put(data)

    def _value(self, value, depth):
        self.nodes -= 1
        if self.nodes < 0:
            raise NotPlain("size")
        if depth > DEPTH_MAX:
            raise NotPlain("depth")
        kind = type(value)
        if kind is Encoded:
            self._put(value.bytes)
            return
        if id(kind) not in _BASES:
            kind = self._base(kind)
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            scalar(self, value)
        else:
            self._container(kind, value, depth)

    def _base(self, kind):
        for base in _mro(kind):
            if id(base) in _BASES:
                self.subclass = True
                return base
        raise NotPlain(_class_name(kind))

    def _container(self, kind, value, depth):
        key = id(value)
        if key in self.open:
            raise NotPlain("cycle")
        self.open.add(key)
        tag, items = _CONTAINERS[kind]
        self._put(tag + kind.__len__(value).to_bytes(4, "little"))
        for item in items(value):
            if kind is dict:
                self._value(item[0], depth + 1)
                self._value(item[1], depth + 1)
            else:
                self._value(item, depth + 1)
        self.open.discard(key)

    def _none(self, _):
        self._put(b"N")

    def _bool(self, value):
        self._put(b"T" if value else b"F")

    def _int(self, value):
        value = int.__pos__(value)
        if -(1 << 63) <= value < 1 << 63:
            self._put(b"i" + value.to_bytes(8, "little", signed=True))
        else:
            magnitude = abs(value)
            sign = b"I\x01" if value < 0 else b"I\x00"
            self._sized(sign, magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "little"))

    def _float(self, value):
        self._put(b"f" + _PACK_DOUBLE(float.__pos__(value)))

    def _complex(self, value):
        value = complex.__pos__(value)
        self._put(b"c" + _PACK_DOUBLE(value.real) + _PACK_DOUBLE(value.imag))

    def _str(self, value):
        self._sized(b"s", str.encode(value, "utf-8", "surrogatepass"))

    def _bytes(self, value):
        self._sized(b"b", bytes.__getitem__(value, slice(None)))


_PACK_DOUBLE = struct.Struct("<d").pack
_SCALARS = {
    type(None): Encoder._none,
    bool: Encoder._bool,
    int: Encoder._int,
    float: Encoder._float,
    complex: Encoder._complex,
    str: Encoder._str,
    bytes: Encoder._bytes,
}
_CONTAINERS = {
    list: (b"l", list.__iter__),
    tuple: (b"t", tuple.__iter__),
    set: (b"S", set.__iter__),
    frozenset: (b"Z", frozenset.__iter__),
    dict: (b"d", dict.items),
}
# By identity: hashing a class may run its metaclass.
_BASES = {id(kind) for kind in (*_SCALARS, *_CONTAINERS)}
