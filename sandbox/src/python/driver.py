"""The driver: the one Python program that every sandbox session runs. It carries out requests of the judge.

Contract with the back-ends
---------------------------
* CPython 3.9 or newer, standard library only; no threads, sockets, processes or ctypes are needed.
* Descriptors 0, 1, 2 are the candidate's stdin, stdout, stderr. Descriptor 3 is the channel, read and written with
  `os.read` and `os.write` only; short reads and short writes are fine, and end of file is an empty read.
* A frame is a little-endian u32 length and that many bytes. The host sends a request frame, the driver sends exactly
  one answer frame, and so on. Back-ends move frames as opaque bytes; only a length above their cap concerns them.
* Start: import this module (name it as you like; a snapshot or zygote imports it once, early: its imports are the
  warm-up), then call `main()` once per session. `main()` never returns and never raises: at end of file on the
  channel, or when the channel breaks, it flushes stdout and stderr and ends the process with `os._exit(status)`.
  The status is 0 unless a `run` request ended otherwise. `main()` repairs `sys.stdin/stdout/stderr` where they are
  missing and sets their encoding to UTF-8; it does not otherwise touch the process (no signals, limits, chdir).
* Hash order is the back-end's to fix (PYTHONHASHSEED); `random` is seeded here, from the request.
* No file name or argument matters: `sys.argv` is replaced. Nothing on disk is read by the driver.

Contract with the judge
-----------------------
Requests and answers are dictionaries in the claim codec (see `Encoder`; its twin is `claim.rs`). Every request has
`op` and `id`; the answer repeats `id`. A *problem* is `{class, message, line}`; `line` is the candidate's or None.

  run    {source, seed}              the whole program as `__main__`; traceback on stderr; then {exit} [+ problem | syntax]
  load   {source, seed}              the program as a module: {loaded: True} | {syntax: {message, line}} | {exception: problem}
  call   {entry, args, kwargs, mutated}   one call: a claim, plus {args, kwargs} as they are afterwards if `mutated`
  probe  {entry, inputs: [(args, kwargs)]}   many calls: {answers: [claim]}
  trace  {source, entry | None, args, kwargs, seed}   blocks of one run under a line tracer: {blocks, total} | {none: why}
  test_load {setup, names, seed}     test role: runs the setup; `names` become proxies: {loaded} | {syntax} | {exception}
  test_run  {code}                   runs one test: any number of {call: {args, kwargs}}, each followed by a request
                                     {op: answer, claim, args, kwargs}, then {passed} | {wrong} | {exception} | {unsupported}

A *claim* is {value, subclass} | {exception: problem} | {not_plain: what}.

Nothing here is trusted by the host. Whatever a candidate does to this module changes its own claims and no verdict
rule: expected values are never in this process while it runs candidate code.
"""

import builtins
import io
import os
import struct
import sys
import types
from os import _exit, read as _read, write as _write

# A private copy of the builtins for every function below: a candidate that patches `builtins` doesn't reach it.
__builtins__ = dict(builtins.__dict__)

CHANNEL = 3
FILE = "candidate.py"
DEPTH_MAX = 60
NODES_MAX = 100_000
ANSWER_BYTES = 1 << 20
TEXT_MAX = 2_000

_mro = type.__dict__["__mro__"].__get__
_type_name = type.__dict__["__name__"].__get__


def main():
    """Serves requests until the channel ends; ends the process."""
    session = Session()
    try:
        session.serve()
    except BaseException:
        pass
    session.leave()


class Session:
    """One life of the driver: the channel, the candidate's module, the exit status."""

    def __init__(self):
        sys.argv = [FILE]
        self.channel = Channel()
        self.streams = _standard_streams()
        self.status = 0
        self.module = None
        self.test = None

    def serve(self):
        operations = {
            "run": self.run,
            "load": self.load,
            "call": self.call,
            "probe": self.probe,
            "trace": self.trace,
            "test_load": self.test_load,
            "test_run": self.test_run,
        }
        while True:
            request = self.channel.receive()
            if request is None:
                return
            answer = operations[request["op"]](request)
            self.flush()
            self.channel.send(answer)

    def flush(self):
        """Flushes the streams that the session began with, whatever became of `sys.stdout`; runs no candidate code."""
        for stream in self.streams:
            try:
                stream.flush()
            except BaseException:
                pass

    def leave(self):
        self.flush()
        _exit(self.status)

    # Candidate role

    def run(self, request):
        _seed(request)
        module = _new_module("__main__", request["source"])
        answer = {}
        try:
            code = compile(request["source"], FILE, "exec", dont_inherit=True)
        except BaseException as error:
            answer["syntax"] = _syntax(error)
            _print_exception(error)
            self.status = 1
        else:
            try:
                exec(code, module.__dict__)
            except BaseException as error:
                self.status = self._uncaught(error, answer)
        self._end_of_program()
        answer["exit"] = self.status
        return answer

    def _uncaught(self, error, answer):
        if isinstance(error, SystemExit):
            return _exit_status(error)
        answer["exception"] = _problem(error)
        _print_exception(error)
        return 1

    def _end_of_program(self):
        """What CPython does after the last statement: threads, `atexit`, and the flush that can spoil the status."""
        try:
            if "threading" in sys.modules:
                sys.modules["threading"]._shutdown()
            if "atexit" in sys.modules:
                sys.modules["atexit"]._run_exitfuncs()
        except BaseException as error:
            _print_exception(error)
        stdout = sys.stdout
        try:
            if stdout is not None and not getattr(stdout, "closed", False):
                stdout.flush()
        except BaseException:
            self.status = self.status or 120

    def load(self, request):
        _seed(request)
        self.module = _new_module("candidate", request["source"])
        return _execute(request["source"], FILE, self.module.__dict__)

    def call(self, request):
        args, kwargs = list(request["args"]), request["kwargs"]
        claim = self._claim(request["entry"], args, kwargs)
        answer = claim.fields
        if request.get("mutated"):
            encoder = Encoder(request.get("answer_bytes", ANSWER_BYTES) - claim.size)
            try:
                answer.update(args=encoder.encode(args), kwargs=encoder.encode(kwargs))
            except NotPlain:
                pass
        return answer

    def probe(self, request):
        left, answers = request.get("answer_bytes", ANSWER_BYTES), []
        for args, kwargs in request["inputs"]:
            # What an unanswerable input still costs is kept back, so that the frame holds a claim for every input.
            claim = self._claim(request["entry"], list(args), kwargs, left)
            left = max(left - claim.size, 0)
            answers.append(claim.fields)
        return {"answers": answers}

    def _claim(self, entry, args, kwargs, bytes_max=ANSWER_BYTES):
        try:
            value = _resolve(self.module, entry)(*args, **kwargs)
        except BaseException as error:
            return Claim({"exception": _problem(error)}, 64)
        encoder = Encoder(bytes_max)
        try:
            encoded = encoder.encode(value)
        except NotPlain as error:
            return Claim({"not_plain": error.what}, 64)
        return Claim({"value": encoded, "subclass": encoder.subclass}, len(encoded.bytes))

    def trace(self, request):
        _seed(request)
        return Tracer(request, self).blocks()

    # Test role

    def test_load(self, request):
        _seed(request)
        self.test = TestRole(self.channel, request["names"])
        return self.test.load(request["setup"])

    def test_run(self, request):
        return self.test.run(request["code"])


class Claim:
    """The fields of an answer and about how many bytes they take."""

    def __init__(self, fields, size):
        self.fields = fields
        self.size = size


# The channel


class Channel:
    """Frames on descriptor 3: u32 length, payload. Answers carry the id of the request they belong to."""

    def __init__(self):
        self.id = 0

    def receive(self):
        head = self._exactly(4)
        if head is None:
            return None
        body = self._exactly(int.from_bytes(head, "little"))
        if body is None:
            return None
        request = decode(body)
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
        if kind not in _BASES:
            kind = self._base(kind)
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            scalar(self, value)
        else:
            self._container(kind, value, depth)

    def _base(self, kind):
        for base in _mro(kind):
            if base in _BASES:
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
_UNPACK_DOUBLE = struct.Struct("<d").unpack_from
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
_BASES = frozenset(_SCALARS) | frozenset(_CONTAINERS)


def decode(data):
    """The value in `data`. The host wrote it, so nothing is checked."""
    return _decode(data, 0)[0]


def _decode(data, at):
    tag = data[at : at + 1]
    at += 1
    if tag in b"NTF":
        return {b"N": None, b"T": True, b"F": False}[tag], at
    if tag == b"i":
        return int.from_bytes(data[at : at + 8], "little", signed=True), at + 8
    if tag == b"f":
        return _UNPACK_DOUBLE(data, at)[0], at + 8
    if tag == b"c":
        return complex(_UNPACK_DOUBLE(data, at)[0], _UNPACK_DOUBLE(data, at + 8)[0]), at + 16
    negative = tag == b"I" and data[at] == 1
    at += tag == b"I"
    count = int.from_bytes(data[at : at + 4], "little")
    at += 4
    if tag in b"Isb":
        body = data[at : at + count]
        at += count
        if tag == b"b":
            return body, at
        if tag == b"s":
            return body.decode("utf-8", "surrogatepass"), at
        magnitude = int.from_bytes(body, "little")
        return (-magnitude if negative else magnitude), at
    items = []
    for _ in range(2 * count if tag == b"d" else count):
        item, at = _decode(data, at)
        items.append(item)
    if tag == b"d":
        return dict(zip(items[::2], items[1::2])), at
    return {b"l": list, b"t": tuple, b"S": set, b"Z": frozenset}[tag](items), at


# Programs


def _seed(request):
    """Seeds `random` where the source could use it: importing it for nothing costs more than a small run."""
    source = request.get("source") or request.get("setup") or ""
    if "random" in sys.modules or "random" in source:
        import random

        random.seed(request["seed"])


def _new_module(name, source):
    module = types.ModuleType(name)
    module.__dict__.update(__file__=FILE, __builtins__=builtins)
    sys.modules[name] = module
    _remember_source(FILE, source)
    return module


def _remember_source(name, source):
    import linecache

    linecache.cache[name] = (len(source), None, source.splitlines(True), name)


def _execute(source, name, namespace):
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except BaseException as error:
        return {"syntax": _syntax(error)}
    try:
        exec(code, namespace)
    except BaseException as error:
        return {"exception": _problem(error)}
    return {"loaded": True}


def _resolve(module, entry):
    """`f`, or `Class.method` on a fresh object; a bare name may also be a method of `Solution`, as judges use it."""
    scope = module.__dict__
    owner, _, name = entry.rpartition(".")
    if not owner and name in scope:
        return scope[name]
    if not owner and hasattr(scope.get("Solution"), name):
        owner = "Solution"
    if owner in scope:
        return getattr(scope[owner](), name)
    raise NameError("name %r is not defined" % (owner or name))


def _exit_status(error):
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    try:
        print(code, file=sys.stderr)
    except BaseException:
        pass
    return 1


def _syntax(error):
    line = getattr(error, "lineno", None)
    message = getattr(error, "msg", None)
    return {
        "message": "%s: %s" % (_class_name(type(error)), message if type(message) is str else _text(error)),
        "line": line if type(line) is int else None,
    }


def _problem(error):
    return {"class": _class_name(type(error)), "message": _text(error), "line": _line_in(error, FILE)}


def _class_name(kind):
    return str.__str__(_type_name(kind))[:200]


def _text(error):
    try:
        return str.__str__(str(error))[:TEXT_MAX]
    except BaseException:
        return ""


def _line_in(error, name):
    """The innermost line of the file `name` on the way of `error`."""
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == name:
            line = step.tb_lineno
        step = step.tb_next
    return line


def _print_exception(error):
    """Prints as CPython would, without frames of this file."""
    try:
        import traceback

        step = error.__traceback__
        while step is not None and step.tb_frame.f_code.co_filename == __file_name:
            step = step.tb_next
        traceback.print_exception(type(error), error, step, file=sys.stderr)
        sys.stderr.flush()
    except BaseException:
        pass


__file_name = _print_exception.__code__.co_filename


def _standard_streams():
    """Repairs and returns what must be flushed at the end: text layers first, then the buffers below them."""
    for fd, name, mode, errors in (
        (0, "stdin", "r", "surrogateescape"),
        (1, "stdout", "w", "surrogateescape"),
        (2, "stderr", "w", "backslashreplace"),
    ):
        stream = getattr(sys, name)
        if stream is None:
            stream = io.open(fd, mode, encoding="utf-8", errors=errors, closefd=False)
            setattr(sys, name, stream)
            setattr(sys, "__%s__" % name, stream)
        else:
            stream.reconfigure(encoding="utf-8", errors=errors)
    return [sys.stdout, sys.stderr, sys.stdout.buffer, sys.stderr.buffer]
