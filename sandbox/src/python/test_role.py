"""The test role: trusted test code with proxies for the candidate; a part of the driver."""


class Unsupported(BaseException):
    """The test passes something that is not plain data. Not an Exception: tests must not catch it."""


class TestRole:
    """Runs trusted test code in which the entry point is a proxy; the candidate is in another interpreter."""

    def __init__(self, channel, names):
        self.channel = channel
        self.names = names
        self.namespace = {"__name__": "test", "__builtins__": builtins}
        self.sources = {}
        self.raised = None
        # What calls came to, by their encoded arguments as they were before and after; kept for one test.
        self.claims = {}
        self.is_over = False

    def load(self, setup):
        self._bind()
        answer = self._execute(setup, "setup.py")
        # Once more: the setup may hold the entry point's stub.
        self._bind()
        return answer or {"loaded": True}

    def run(self, code):
        self.raised, self.claims, self.is_over = None, {}, False
        return self._execute(code, "test.py") or {"passed": True}

    def _execute(self, source, name):
        self.sources[name] = source
        _remember_source(name, source)
        try:
            code = _compile(source, name)
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
        if self.is_over:
            return self.claims[call["args"].bytes, call["kwargs"].bytes]
        self.channel.send({"call": call})
        reply = self.channel.receive()
        if reply is None:
            raise Unsupported("the host is gone")
        is_changed = (reply.get("args", list(args)), reply.get("kwargs", kwargs)) != (list(args), kwargs)
        for old, new in zip(args, reply.get("args", ())):
            _copy_into(old, new)
        for name, new in reply.get("kwargs", {}).items():
            _copy_into(kwargs[name], new)
        claim = reply["claim"]
        if "exception" in claim:
            self.raised = _exception(claim["exception"])
            raise self.raised
        self.claims[call["args"].bytes, call["kwargs"].bytes] = claim["value"]
        if is_changed:
            after = Encoder().encode(list(args)).bytes, Encoder().encode(kwargs).bytes
            self.claims[after] = claim["value"]
        return claim["value"]

    def _outcome(self, error):
        self.is_over = True
        if error is self.raised:
            return {"exception": error.problem, "from_candidate": True}
        source, node, frame = self._failed_statement(error)
        statement = ""
        if node is not None:
            import ast

            statement = (ast.get_source_segment(source, node) or "")[:TEXT_MAX]
        if not isinstance(error, AssertionError):
            problem = _problem(error)
            problem["line"] = None
            return {"exception": problem, "from_candidate": False, "assertion": statement}
        sides = _sides(node, frame) if node is not None else None
        if sides is None:
            wrong = {"expected": statement, "actual": _text(error) or "AssertionError"}
            return {"wrong": wrong, "assertion": statement}
        sign, actual, expected = sides
        prefix = "" if sign in ("==", "truth") else sign + " "
        wrong = {"expected": prefix + _shown(expected), "actual": _shown(actual)}
        return {"wrong": wrong, "assertion": statement}

    def _failed_statement(self, error):
        """Source, node and frame of the innermost `assert` of the test that `error` came through."""
        step, found = error.__traceback__, None
        while step is not None:
            if step.tb_frame.f_code.co_filename in self.sources:
                found = step
            step = step.tb_next
        if found is None:
            return None, None, None
        import ast

        source = self.sources[found.tb_frame.f_code.co_filename]
        asserts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
        around = [node for node in asserts if node.lineno <= found.tb_lineno <= node.end_lineno]
        return source, max(around, key=lambda node: node.lineno, default=None), found.tb_frame


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


def _sides(node, frame):
    """What a failed assertion compared: sign, actual and expected. Its two sides are computed again, from the claims that
    calls came to. None where that can't be done, or where what comes out does not fail."""
    import ast

    def value(part):
        return eval(compile(ast.Expression(part), "<assert>", "eval"), frame.f_globals, frame.f_locals)

    def has_call(part):
        return any(isinstance(inner, ast.Call) for inner in ast.walk(part))

    test, wanted = node.test, True
    try:
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            sign, right = SIGNS[type(test.ops[0]).__name__], test.comparators[0]
            sides = value(test.left), value(right)
            if COMPARISONS[sign](*sides):
                return None
            # `assert [1] == f(x)`: the constant is what was expected, on whichever side it stands.
            flipped = sign == "==" and has_call(right) and not has_call(test.left)
            return (sign, *(reversed(sides) if flipped else sides))
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, wanted = test.operand, False
        actual = value(test)
        return None if bool(actual) is wanted else ("truth", actual, wanted)
    except BaseException:
        return None


SIGNS = {
    "Eq": "==", "NotEq": "!=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=",
    "Is": "is", "IsNot": "is not", "In": "in", "NotIn": "not in",
}  # fmt: skip


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
