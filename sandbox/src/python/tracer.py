"""The block trace; a part of the driver."""


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
            code = _compile(self.request["source"], FILE)
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


_CONTAINERS = (list, tuple, set, frozenset, dict)


def _plain_repr(value, depth=0):
    """`repr` of exact built-in types, cut to a bounded amount of work; of anything else the class name."""
    kind = type(value)
    if kind is int and int.bit_length(value) > 400:
        return "<int of %d bits>" % int.bit_length(value)
    if kind in (str, bytes) and len(value) > 120:
        return repr(value[:60]) + "..." + repr(value[-60:])
    if id(kind) not in _WRITERS:
        return "<%s>" % _class_name(kind)
    if not any(kind is container for container in _CONTAINERS):
        return repr(value)
    if depth > 4:
        return "..."
    return _plain_container(kind, value, depth)


def _plain_container(kind, value, depth):
    count = len(value)
    if kind in (list, tuple):
        items = value if count <= 40 else value[:20] + value[-20:]
    else:
        items = [item for item, _ in zip(dict.items(value) if kind is dict else kind.__iter__(value), range(40))]
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
