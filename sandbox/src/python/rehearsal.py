"""The rehearsal: test code run without a candidate, to learn which calls it makes and what it asserts of their answers;
a part of the driver. What is learned holds for every candidate, so that the test need not run for each."""

REHEARSED_CALLS_MAX = 1_000
# With these, code can find out about an answer, or live with its lack, and nobody notices.
UNNOTICED = ("Is", "IsNot", "Try", "TryStar", "With", "AsyncWith", "Match", "Await")
UNNOTICED_NAMES = ("type", "id", "exec", "eval", "globals", "locals", "vars", "super")


class Rehearsal(TestRole):
    """Calls are answered with an `_Answer` that is not known yet. All that a test may do with it is to compare it with plain
    data for equality, which is noted and taken as so: a candidate for which every note is true makes the test take the
    same path, and pass. Where a test does anything else it can't be rehearsed."""

    def __init__(self, names, bytes_max):
        super().__init__(None, names)
        self.bytes_left = bytes_max
        self.is_spoilt = False
        self.calls = []
        self.answers = []
        self.answer = _answer_class(self)

    def rehearse(self, setup, code):
        """The calls in their order, each with the value that it must return; None where the test can't be rehearsed."""
        if self._has_unnoticed(setup) or self._has_unnoticed(code):
            return None
        # What the test prints is printed again when it is run.
        if "loaded" not in self.load(setup) or self.calls or self._execute(code, "test.py") is not None:
            return None
        if self.is_spoilt or not self.calls or any("equal" not in call for call in self.calls):
            return None
        return self.calls

    def spoil(self, why):
        self.is_spoilt = True
        raise Unsupported(why)

    def _has_unnoticed(self, source):
        import ast

        try:
            tree = ast.parse(source)
        except BaseException:
            return True
        return any(
            type(node).__name__ in UNNOTICED
            or isinstance(node, ast.Name) and node.id in UNNOTICED_NAMES
            or isinstance(node, (ast.Import, ast.ImportFrom)) and self._is_import_unnoticed(node)
            for node in ast.walk(tree)
        )

    @staticmethod
    def _is_import_unnoticed(node):
        """Whether more comes in than a few modules whose functions do nothing unnoticed."""
        names = [node.module] if type(node).__name__ == "ImportFrom" else [alias.name for alias in node.names]
        return not all(name in ("random", "math", "string", "typing", "itertools") for name in names)

    def _proxy(self, *args, **kwargs):
        if len(self.calls) == REHEARSED_CALLS_MAX:
            self.spoil("too many calls")
        call = {"args": self._encoded(list(args)), "kwargs": self._encoded(kwargs)}
        answer = self.answer()
        self.calls.append(call)
        self.answers.append(answer)
        return answer

    def expect(self, answer, value):
        call = next(call for call, known in zip(self.calls, self.answers) if known is answer)
        if "equal" in call:
            self.spoil("an answer compared twice")
        call["equal"] = self._encoded(value)
        call["statement"] = self._statement()

    def _encoded(self, value):
        encoder = Encoder()
        try:
            encoded = encoder.encode(value)
        except NotPlain as error:
            self.spoil("a value of type %s" % error.what)
        self.bytes_left -= len(encoded.bytes)
        if encoder.subclass or self.bytes_left < 0:
            self.spoil("a value of another class, or too many of them")
        return encoded

    def _statement(self):
        """The assertion that compares now and says no more than that one call returns what it must; else nothing."""
        import ast

        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename not in self.sources:
            frame = frame.f_back
        if frame is None:
            return ""
        source = self.sources[frame.f_code.co_filename]
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Assert) or not node.lineno <= frame.f_lineno <= node.end_lineno:
                continue
            test = node.test
            calls = [inner for inner in ast.walk(test) if isinstance(inner, ast.Call)]
            is_plain = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Call)
            called = [call for call in calls if frame.f_locals.get(_name(call), self.namespace.get(_name(call))) == self._proxy]
            if is_plain and called == [test.left]:
                return (ast.get_source_segment(source, node) or "")[:TEXT_MAX]
        return ""


def _name(call):
    return getattr(call.func, "id", None)


def _answer_class(rehearsal):
    def unseen(self, *_args, **_kwargs):
        rehearsal.spoil("something is done with an answer")

    def equal(self, other):
        rehearsal.expect(self, other)
        return True

    special = {"__bool__", "__iter__", "__next__", "__call__", "__enter__", "__exit__", "__await__", "__matmul__", "__rmatmul__"}
    for kind in (object, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, types.GeneratorType):
        special.update(name for name in dir(kind) if name.startswith("__") and callable(getattr(kind, name)))
    made = {"__new__", "__init__", "__class__", "__init_subclass__", "__subclasshook__", "__class_getitem__", "__del__"}
    namespace = dict.fromkeys(special - made, unseen)
    namespace.update(__eq__=equal, __slots__=())
    return type("answer", (), namespace)
