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
CLAIM_BYTES = 1_024
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
        # What an unanswerable input still costs is kept back, so that the frame holds a claim for every input.
        left = request.get("answer_bytes", ANSWER_BYTES) - CLAIM_BYTES * len(request["inputs"])
        answers = []
        for args, kwargs in request["inputs"]:
            claim = self._claim(request["entry"], list(args), kwargs, max(left, 0))
            left -= claim.size
            answers.append(claim.fields)
        return {"answers": answers}

    def _claim(self, entry, args, kwargs, bytes_max=ANSWER_BYTES):
        try:
            value = _resolve(self.module.__dict__, entry)(*args, **kwargs)
        except BaseException as error:
            problem = _problem(error)
            size = 4 * len(problem["message"])
            if size > bytes_max:
                problem["message"], size = "", 0
            return Claim({"exception": problem}, size)
        encoder = Encoder(bytes_max)
        try:
            encoded = encoder.encode(value)
        except NotPlain as error:
            return Claim({"not_plain": error.what}, 0)
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
    """The fields of an answer and how many bytes they take beyond `CLAIM_BYTES`."""

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
# By identity: hashing a class may run its metaclass.
_BASES = {id(kind) for kind in (*_SCALARS, *_CONTAINERS)}


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


def _resolve(scope, entry):
    """`f`, or `Class.method` on a fresh object; a bare name may also be a method of `Solution`, as judges use it."""
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
    message = message if type(message) is str else _text(error)
    if type(error) is not SyntaxError:
        message = "%s: %s" % (_class_name(type(error)), message)
    return {
        "message": message[:TEXT_MAX],
        "line": line if type(line) is int else None,
    }


def _problem(error):
    return {"class": _class_name(type(error)), "message": _text(error), "line": _line_in(error, FILE)}


def _class_name(kind):
    return str.__str__(_type_name(kind))[:150]


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
        while step is not None and step.tb_frame.f_code.co_filename == _HERE:
            step = step.tb_next
        traceback.print_exception(type(error), error, step, file=sys.stderr)
        sys.stderr.flush()
    except BaseException:
        pass


_HERE = _print_exception.__code__.co_filename


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


# The test role


class Unsupported(BaseException):
    """The test passes something that is not plain data. Not an Exception: tests must not catch it."""


class TestRole:
    """Runs trusted test code in which the entry point is a proxy; the candidate is in another interpreter."""

    def __init__(self, channel, names):
        self.channel = channel
        self.names = names
        self.namespace = {"__name__": "test", "__builtins__": builtins}
        self.segments = {}
        self.raised = None
        self.failed = None

    def load(self, setup):
        self._bind()
        answer = self._execute(setup, "setup.py")
        # Once more: the setup may hold the entry point's stub.
        self._bind()
        return answer or {"loaded": True}

    def run(self, code):
        self.raised = self.failed = None
        return self._execute(code, "test.py") or {"passed": True}

    def _execute(self, source, name):
        import ast

        _remember_source(name, source)
        try:
            segments = self.segments[name] = []
            tree = Asserts(source, segments).visit(ast.parse(source, name))
            code = compile(ast.fix_missing_locations(tree), name, "exec", dont_inherit=True)
        except BaseException as error:
            return {"syntax": _syntax(error)}
        try:
            exec(code, self.namespace)
        except Unsupported as error:
            return {"unsupported": str(error)}
        except BaseException as error:
            return self._outcome(error)
        return None

    def _bind(self):
        self.namespace.update(__compare=self._compare, __truth=self._truth)
        for name in self.names:
            owner, _, method = name.rpartition(".")
            if owner:
                proxy = {method: lambda _, *args, **kwargs: self._proxy(*args, **kwargs)}
                self.namespace[owner] = type(owner, (), proxy)
            else:
                self.namespace[name] = self._proxy

    def _proxy(self, *args, **kwargs):
        encoder = Encoder()
        try:
            call = {"args": encoder.encode(list(args)), "kwargs": encoder.encode(kwargs)}
        except NotPlain as error:
            raise Unsupported("an argument of type %s" % error.what) from None
        self.channel.send({"call": call})
        reply = self.channel.receive()
        if reply is None:
            raise Unsupported("the host is gone")
        for old, new in zip(args, reply.get("args", ())):
            _copy_into(old, new)
        for name, new in reply.get("kwargs", {}).items():
            _copy_into(kwargs[name], new)
        claim = reply["claim"]
        if "exception" in claim:
            self.raised = _exception(claim["exception"])
            raise self.raised
        return claim["value"]

    def _compare(self, sign, flipped, left, right):
        holds = COMPARISONS[sign](left, right)
        sides = (right, left) if flipped else (left, right)
        self.failed = None if holds else (sign, *sides)
        return holds

    def _truth(self, value, wanted):
        self.failed = None if bool(value) is wanted else ("truth", value, wanted)
        return value

    def _outcome(self, error):
        if error is self.raised:
            return {"exception": error.problem, "from_candidate": True}
        if not isinstance(error, AssertionError):
            problem = _problem(error)
            problem["line"] = None
            return {"exception": problem, "from_candidate": False, "assertion": self._segment(error)}
        assertion = self._segment(error)
        if self.failed is None:
            return {"wrong": {"expected": assertion, "actual": _text(error) or "AssertionError"}, "assertion": assertion}
        sign, actual, expected = self.failed
        prefix = "" if sign in ("==", "truth") else sign + " "
        wrong = {"expected": prefix + _shown(expected), "actual": _shown(actual)}
        return {"wrong": wrong, "assertion": assertion}

    def _segment(self, error):
        """The statement of the test that `error` came from, as its author wrote it."""
        for name in ("setup.py", "test.py"):
            line = _line_in(error, name)
            for first, last, text in self.segments.get(name, ()):
                if line is not None and first <= line <= last:
                    return text
        return ""


COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "is": lambda a, b: a is b,
    "is not": lambda a, b: a is not b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def Asserts(source, segments):
    """A transformer that has every `assert` keep the two sides of its comparison."""
    import ast

    signs = {
        ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
        ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    }  # fmt: skip

    class Transformer(ast.NodeTransformer):
        def visit_Assert(self, node):
            text = ast.get_source_segment(source, node) or ""
            segments.append((node.lineno, node.end_lineno, text[:TEXT_MAX]))
            node.test = ast.copy_location(self.kept(node.test), node.test)
            return node

        def kept(self, test):
            if isinstance(test, ast.Compare) and len(test.ops) == 1:
                sign = signs[type(test.ops[0])]
                left, right = test.left, test.comparators[0]
                # `assert [1] == f(x)`: the constant is what was expected, on whichever side it stands.
                flipped = sign == "==" and has_call(right) and not has_call(left)
                return call("__compare", ast.Constant(sign), ast.Constant(flipped), left, right)
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                test.operand = call("__truth", test.operand, ast.Constant(False))
                return test
            return call("__truth", test, ast.Constant(True))

    def call(name, *args):
        return ast.Call(ast.Name(name, ast.Load()), list(args), [])

    def has_call(node):
        return any(isinstance(inner, ast.Call) for inner in ast.walk(node))

    return Transformer()


def _copy_into(old, new):
    """Makes `old` equal to `new` in place where it is mutable; returns what belongs in its container."""
    if type(old) is not type(new):
        return new
    if type(old) is list:
        kept = [_copy_into(a, b) for a, b in zip(old, new)]
        old[:] = kept + new[len(kept) :]
    elif type(old) is dict:
        kept = {key: _copy_into(old[key], value) if key in old else value for key, value in new.items()}
        old.clear()
        old.update(kept)
    elif type(old) is set:
        old.clear()
        old.update(new)
    elif type(old) is tuple and len(old) == len(new):
        return tuple(_copy_into(a, b) for a, b in zip(old, new))
    else:
        return new
    return old


def _exception(problem):
    """The candidate's exception as an object of the same built-in class, or of a class of that name."""
    kind = getattr(builtins, problem["class"], None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = type(problem["class"], (Exception,), {})
    try:
        error = kind(problem["message"])
    except TypeError:
        error = Exception(problem["message"])
    error.problem = problem
    return error


def _shown(value):
    try:
        text = repr(value)
    except BaseException as error:
        text = "<%s>" % _class_name(type(error))
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX // 2] + "..." + text[-TEXT_MAX // 2 :]


# The block trace


class Tracer:
    """Runs one call, or the whole program, and keeps the first and last basic blocks with the locals around them.

    Source: Zhong et al. 2024, *LDB*, section 3, as RethinkMCTS uses it. A program that reads stdin is not wrapped into
    a function: its module body has a frame already, and wrapping would change the meaning of its globals. Where the
    body only calls one function without arguments, such as `main()`, that function is traced.
    """

    BLOCKS_KEPT = 5
    VALUES_MAX = 100
    SOURCE_MAX = 1_600

    def __init__(self, request, session):
        self.request = request
        self.session = session
        self.lines = request["source"].splitlines()
        self.starts = set()
        self.target = None
        self.head, self.tail, self.total = [], [], 0
        self.block = self.frame = None

    def blocks(self):
        import ast

        try:
            tree = ast.parse(self.request["source"], FILE)
            code = compile(self.request["source"], FILE, "exec", dont_inherit=True)
        except BaseException:
            return {"none": "syntax"}
        _mark_blocks(ast, tree.body, self.starts)
        self._run(code, self._find(ast, tree, code))
        self._close()
        if not self.total:
            return {"none": "no block was executed"}
        return {"blocks": self.head + self.tail, "total": self.total}

    def _find(self, ast, tree, code):
        entry = self.request["entry"]
        if entry is None:
            called = _called_function(ast, tree)
            return _code_named(code, called) or code if called else code
        return _code_named(code, entry.rpartition(".")[2])

    def _run(self, code, target):
        self.target = target
        entry = self.request["entry"]
        module = _new_module("candidate" if entry else "__main__", self.request["source"])
        try:
            if entry is None:
                self._traced(exec, code, module.__dict__)
            else:
                exec(code, module.__dict__)
                function = _resolve(module.__dict__, entry)
                self._traced(function, *self.request["args"], **self.request["kwargs"])
        except BaseException:
            pass

    def _traced(self, function, *args, **kwargs):
        sys.settrace(self._enter)
        try:
            function(*args, **kwargs)
        finally:
            sys.settrace(None)

    def _enter(self, frame, event, _):
        return self._step if frame.f_code is self.target else None

    def _step(self, frame, event, _):
        if event == "line":
            line = frame.f_lineno
            if self.block is None or frame is not self.frame or line in self.starts:
                self._close()
                self.frame = frame
                self.block = {"lines": [line], "before": self._values()}
            elif line not in self.block["lines"]:
                self.block["lines"].append(line)
        elif event == "return" and frame is self.frame:
            self._close()
        return self._step

    def _close(self):
        block, self.block = self.block, None
        if block is None:
            return
        self.total += 1
        lines = block["lines"]
        shown = {
            "line": lines[0],
            "source": "\n".join(self.lines[line - 1] for line in sorted(lines))[: self.SOURCE_MAX],
            "before": block["before"],
            "after": self._values(),
        }
        if len(self.head) < self.BLOCKS_KEPT:
            self.head.append(shown)
        else:
            self.tail.append(shown)
            del self.tail[: -self.BLOCKS_KEPT]

    def _values(self):
        parts = [
            "%s=%s" % (name, _plain_repr(value))
            for name, value in dict(self.frame.f_locals).items()
            if not name.startswith("__") and not _is_definition(value)
        ]
        text = " ".join(parts)
        half = self.VALUES_MAX // 2
        return text if len(text) <= self.VALUES_MAX else text[:half] + "..." + text[-half:]


def _mark_blocks(ast, body, starts):
    """Collects the first lines of the basic blocks of `body`. A loop's head is a block: control comes back to it."""
    fresh = True
    for statement in body:
        loop = isinstance(statement, (ast.For, ast.AsyncFor, ast.While))
        if fresh or loop:
            starts.add(statement.lineno)
        bodies = [getattr(statement, field, None) or [] for field in ("body", "orelse", "finalbody")]
        bodies += [part.body for field in ("handlers", "cases") for part in getattr(statement, field, ())]
        for inner in bodies:
            _mark_blocks(ast, inner, starts)
        definition = isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        fresh = any(bodies) and not definition


def _called_function(ast, tree):
    """The module's function that the last statement calls without arguments, looked for under a main guard too."""
    body = tree.body
    if body and isinstance(body[-1], ast.If):
        body = body[-1].body
    last = body[-1] if body else None
    call = last.value if isinstance(last, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args and not call.keywords):
        return None
    defined = {statement.name for statement in tree.body if isinstance(statement, ast.FunctionDef)}
    return call.func.id if call.func.id in defined else None


def _code_named(code, name):
    """The last code object called `name` directly in the module or in one of its classes, as a later `def` wins."""
    found = None
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            if inner.co_name == name:
                found = inner
            elif inner.co_flags & 0x2 == 0:  # not CO_NEWLOCALS: a class body
                found = _code_named(inner, name) or found
    return found


def _is_definition(value):
    kind = type(value)
    return any(base is type for base in _mro(kind)) or any(kind is other for other in _DEFINITIONS)


_DEFINITIONS = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def _plain_repr(value, depth=0):
    """`repr` of exact built-in types, cut to a bounded amount of work; of anything else the class name."""
    kind = type(value)
    if kind is int and int.bit_length(value) > 400:
        return "<int of %d bits>" % int.bit_length(value)
    if kind in (str, bytes) and len(value) > 120:
        return repr(value[:60]) + "..." + repr(value[-60:])
    if id(kind) not in _BASES:
        return "<%s>" % _class_name(kind)
    if kind not in _CONTAINERS:
        return repr(value)
    if depth > 4:
        return "..."
    return _plain_container(kind, value, depth)


def _plain_container(kind, value, depth):
    count = len(value)
    if kind in (list, tuple):
        items = value if count <= 40 else value[:20] + value[-20:]
    else:
        items = [item for item, _ in zip(_CONTAINERS[kind][1](value), range(40))]
    parts = []
    for item in items:
        members = item if kind is dict else (item,)
        parts.append(": ".join(_plain_repr(member, depth + 1) for member in members))
    if count > len(parts):
        parts.insert(20, "...")
    text = ", ".join(parts)
    if kind is tuple:
        return "(%s%s)" % (text, "," if count == 1 else "")
    if kind is list:
        return "[%s]" % text
    if kind is frozenset:
        return "frozenset({%s})" % text
    return "{%s}" % text if count or kind is dict else "set()"
