"""Asked of a Python that might serve: prints, each ended by a NUL, its implementation, major and minor version, version,
executable, the number of folders, the folders that it needs to see (those of its modules and those of the shared
libraries that it has loaded, which some systems keep far from the usual places), and the modules that it can import.
"""
import os
import sys

try:
    import ctypes
except ImportError:
    sys.exit(3)

# Parts of the standard library that need a C module which a build may lack.
NEEDS = {
    "bz2": "_bz2", "ctypes": "_ctypes", "curses": "_curses", "idlelib": "_tkinter", "lzma": "_lzma", "sqlite3": "_sqlite3",
    "ssl": "_ssl", "tkinter": "_tkinter", "turtle": "_tkinter", "turtledemo": "_tkinter",
}
# Of no use to a program, or with effects when imported.
LEFT_OUT = {"antigravity", "ensurepip", "idlelib", "lib2to3", "pip", "site", "test", "this", "turtledemo", "venv"}
# Of other systems, in the same folder.
FOREIGN = {"msilib", "nt", "winreg", "winsound"}


def importable():
    names = set(sys.builtin_module_names)
    for folder in sys.path:
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        for entry in entries:
            stem, _, suffix = entry.partition(".")
            is_package = os.path.isfile(os.path.join(folder, entry, "__init__.py"))
            if suffix == "py" or suffix.endswith("so") or is_package:
                names.add(stem)
    standard = getattr(sys, "stdlib_module_names", names)
    has = lambda name: NEEDS.get(name, name) in names
    return sorted(n for n in names & standard - LEFT_OUT - FOREIGN if n.isidentifier() and n[0] != "_" and has(n))


real = os.path.realpath(sys.executable)
answer = [sys.implementation.name.replace("cp", "CP"), *map(str, sys.version_info[:2]), sys.version.split()[0], real]
lib = [os.path.join(p, d) for p in (sys.base_prefix, sys.base_exec_prefix) for d in ("lib", "lib64")]
loaded = {os.path.dirname(line.split()[-1]) for line in open("/proc/self/maps") if ".so" in line and "/" in line}
folders = sorted(p for p in {*lib, *sys.path, *loaded} if p and os.path.isdir(p))
answer += [str(len(folders)), *folders, *importable()]
sys.stdout.buffer.write(b"".join(os.fsencode(a) + b"\0" for a in answer))
