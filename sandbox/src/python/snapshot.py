"""Prepares a fresh interpreter for its memory snapshot: everything importable is compiled into memory, the usual
modules are imported, and no path is searched any more. The wasm back-end calls `prepare` once.

Whatever this does must come out the same each time: clock, randomness and hash order are constant while it runs.
It prints one JSON object: the interpreter's version, the names of the modules that programs can import and
of the standard ones that they can't, and the address of the driver's main function.
"""

import gc
import importlib.machinery
import json
import marshal
import os
import sys

STDLIB = "/python-stdlib"

# Not of the standard library, or of no use without files, sockets, terminals, windows or C modules that are not here.
LEFT_OUT = {
    "__pycache__", "_codeagent_snapshot", "bz2", "bz2_codec", "componentize_py_async_support", "componentize_py_runtime",
    "componentize_py_types", "ctypes", "curses", "dbm", "dill", "distutils", "ensurepip", "idlelib", "interpreter",
    "interpreters", "lib2to3", "lzma", "mbcs", "msilib", "oem", "pip", "popen_spawn_win32", "pty", "pydoc_data",
    "setuptools", "sharedctypes", "sqlite3", "ssl", "test", "tests", "tkinter", "tty", "turtle",
    "turtledemo", "venv", "windows_events", "windows_utils", "wsgiref", "xmlrpc", "zstd",
}

# What programs import most: imported before the snapshot, they cost a run nothing.
IMPORTED = """
    abc array ast base64 binascii bisect calendar cmath collections collections.abc contextlib copy csv dataclasses
    datetime decimal difflib enum fractions functools graphlib hashlib heapq inspect io itertools json keyword locale
    math numbers operator os pprint queue random re reprlib secrets shlex statistics string struct sys textwrap time
    traceback types typing unicodedata unittest uuid warnings weakref zlib
""".split()


class Frozen:
    """Finds and loads modules whose code is in memory. Modules keep their usual `__file__` for tracebacks."""

    codes = {}

    @staticmethod
    def find_spec(name, path=None, target=None):
        found = Frozen.codes.get(name)
        if found is None:
            return None
        is_package, origin, _ = found
        spec = importlib.machinery.ModuleSpec(name, Frozen, origin=origin, is_package=is_package)
        spec.has_location = True
        return spec

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        exec(Frozen.get_code(module.__name__), module.__dict__)

    @staticmethod
    def get_code(name):
        return marshal.loads(Frozen.codes[name][2])

    @staticmethod
    def get_source(name):
        return None

    @staticmethod
    def is_package(name):
        return Frozen.codes[name][0]


def compile_folder(folder, package):
    """Compiles every module in a folder and below; `package` is the dotted prefix of their names."""
    for entry in sorted(os.listdir(folder)):
        path = folder + "/" + entry
        stem = entry.removesuffix(".py")
        if stem in LEFT_OUT or "." in stem:
            continue
        if entry.endswith(".py"):
            is_package = stem == "__init__"
            name = package.rstrip(".") if is_package else package + stem
            if name:
                with open(path, "rb") as source:
                    code = compile(source.read(), path, "exec", dont_inherit=True, optimize=0)
                Frozen.codes[name] = (is_package, path, marshal.dumps(code))
        elif os.path.isdir(path):
            compile_folder(path, package + entry + ".")


def importable():
    """Names of the modules that can be imported, without private ones."""
    names = {*sys.builtin_module_names, *Frozen.codes, *sys.modules}
    return sorted(name for name in names if not name.startswith("_") and "._" not in name)


def absent():
    """Names of the standard modules that can't be imported, without private ones."""
    return sorted(name for name in sys.stdlib_module_names - set(importable()) if not name.startswith("_"))


def warm_up():
    """Runs a little of everything, so that parser, compiler, codecs and tracebacks have touched their memory."""
    program = "def f(n):\n    return sum(i * i for i in range(n))\nclass C:\n    pass\nassert f(10) == 285\n"
    exec(compile(program, "candidate.py", "exec"), {"__name__": "warm_up"})
    try:
        exec(compile("[][0]", "candidate.py", "exec"), {})
    except IndexError:
        import traceback

        traceback.format_exc()
    f"{1.5:.3f} {10**30} {'é'.encode()!r}"


def close_paths():
    """From here on every import is answered from memory."""
    kept = [finder for finder in sys.meta_path if finder is not importlib.machinery.PathFinder]
    sys.meta_path[:] = [*kept, Frozen]
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()
    sys.argv[:] = ["candidate.py"]
    os.environ.clear()


def prepare():
    compile_folder(STDLIB, "")
    close_paths()
    for name in IMPORTED:
        __import__(name)
    import _codeagent_driver

    # No program shall find this module.
    del sys.modules["_codeagent_snapshot"]
    warm_up()
    _codeagent_driver.prepare()
    version = "CPython " + ".".join(map(str, sys.version_info[:3]))
    main = id(_codeagent_driver.main)
    report = {"interpreter": version, "modules": importable(), "absent": absent(), "main": main}
    print(json.dumps(report), flush=True)
    gc.collect()
    gc.freeze()

