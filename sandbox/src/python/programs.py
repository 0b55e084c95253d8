"""Running candidate source and telling what went wrong; a part of the driver."""


def _seed(request):
    """Seeds `random` where the source could use it: importing it for nothing costs more than a small run."""
    global _seeded
    seeded, _seeded = _seeded, None
    if seeded == request["seed"]:
        return
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


def _compile(source, name):
    # A byte order mark is no part of a file's text.
    return compile(source.removeprefix("\ufeff"), name, "exec", dont_inherit=True)


def _execute(source, name, namespace):
    try:
        code = _compile(source, name)
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


def _add_site_names():
    """`exit` and `quit`, which scripts use and only the module `site` defines."""
    if not hasattr(builtins, "exit"):
        from _sitebuiltins import Quitter

        builtins.exit = Quitter("exit", "Ctrl-D (i.e. EOF)")
        builtins.quit = Quitter("quit", "Ctrl-D (i.e. EOF)")


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
