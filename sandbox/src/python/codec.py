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
        body = _envelope(answer)
        frame = len(body).to_bytes(4, "little") + body
        written = _write(CHANNEL, frame)
        while written < len(frame):
            written += _write(CHANNEL, frame[written:])

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
        kind = type(value)
        write = _WRITERS.get(id(kind))
        if write is None:
            if kind is Encoded:
                self._put(value.bytes)
                return
            write = _WRITERS[id(self._base(kind))]
        write(self, value, depth)

    def _base(self, kind):
        for base in _mro(kind):
            if id(base) in _WRITERS:
                self.subclass = True
                return base
        raise NotPlain(_class_name(kind))

    def _open(self, tag, count, value, depth):
        """Begins a container."""
        if depth >= DEPTH_MAX:
            raise NotPlain("depth")
        if id(value) in self.open:
            raise NotPlain("cycle")
        self.open.add(id(value))
        self._put(tag + count.to_bytes(4, "little"))

    def _items(self, tag, kind, value, depth):
        self._open(tag, kind.__len__(value), value, depth)
        for item in kind.__iter__(value):
            self._value(item, depth + 1)
        self.open.discard(id(value))

    def _list(self, value, depth):
        self._items(b"l", list, value, depth)

    def _tuple(self, value, depth):
        self._items(b"t", tuple, value, depth)

    def _set(self, value, depth):
        self._items(b"S", set, value, depth)

    def _frozenset(self, value, depth):
        self._items(b"Z", frozenset, value, depth)

    def _dict(self, value, depth):
        self._open(b"d", dict.__len__(value), value, depth)
        for key, item in dict.items(value):
            self._value(key, depth + 1)
            self._value(item, depth + 1)
        self.open.discard(id(value))

    def _none(self, value, _):
        self._put(b"N")

    def _bool(self, value, _):
        self._put(b"T" if value else b"F")

    def _int(self, value, _):
        value = int.__pos__(value)
        if -(1 << 63) <= value < 1 << 63:
            self._put(b"i" + value.to_bytes(8, "little", signed=True))
        else:
            magnitude = abs(value)
            sign = b"I\x01" if value < 0 else b"I\x00"
            self._sized(sign, magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "little"))

    def _float(self, value, _):
        self._put(b"f" + _PACK_DOUBLE(float.__pos__(value)))

    def _complex(self, value, _):
        value = complex.__pos__(value)
        self._put(b"c" + _PACK_DOUBLE(value.real) + _PACK_DOUBLE(value.imag))

    def _str(self, value, _):
        self._sized(b"s", str.encode(value, "utf-8", "surrogatepass"))

    def _bytes(self, value, _):
        self._sized(b"b", bytes.__getitem__(value, slice(None)))


def _envelope(value):
    """What `Encoder` makes of an answer, without its limits, which the values inside have passed; most of an answer is of
    the kinds that are here."""
    kind = type(value)
    if kind is Encoded:
        return value.bytes
    if kind is bool:
        return b"T" if value else b"F"
    if kind is str:
        data = value.encode("utf-8", "surrogatepass")
        return b"s" + len(data).to_bytes(4, "little") + data
    if kind is list:
        return b"l" + len(value).to_bytes(4, "little") + b"".join([_envelope(item) for item in value])
    if kind is dict:
        pairs = [_envelope(key) + _envelope(item) for key, item in value.items()]
        return b"d" + len(pairs).to_bytes(4, "little") + b"".join(pairs)
    return Encoder(1 << 32, 1 << 32).encode(value).bytes


_PACK_DOUBLE = struct.Struct("<d").pack
# By identity: hashing a class may run its metaclass.
_WRITERS = {
    id(kind): write
    for kind, write in (
        (type(None), Encoder._none),
        (bool, Encoder._bool),
        (int, Encoder._int),
        (float, Encoder._float),
        (complex, Encoder._complex),
        (str, Encoder._str),
        (bytes, Encoder._bytes),
        (list, Encoder._list),
        (tuple, Encoder._tuple),
        (set, Encoder._set),
        (frozenset, Encoder._frozenset),
        (dict, Encoder._dict),
    )
}
