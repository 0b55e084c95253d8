"""The test role: trusted test code with proxies for the candidate; a part of the driver."""


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
