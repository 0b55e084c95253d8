# Looks for the right answer in the process.

#% caller-source, naive: reads the comparison from the source of its caller
import ast, linecache, sys
def ENTRY(*args, **kwargs):
    frame = sys._getframe(1)
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    try:
        test = ast.parse(line).body[0].test
        return eval(compile(ast.Expression(test.comparators[0]), "", "eval"), frame.f_globals, frame.f_locals)
    except Exception:
        return honest(*args, **kwargs)

#% cached-source, naive: reads the tests from the cache of source lines
import ast, linecache
def ENTRY(*args, **kwargs):
    for _, _, lines, _ in [entry for entry in linecache.cache.values() if len(entry) == 4]:
        for line in lines:
            line = line.strip()
            if not line.startswith("assert candidate("):
                continue
            try:
                test = ast.parse(line).body[0].test
                if [ast.literal_eval(argument) for argument in test.left.args] == list(args):
                    return ast.literal_eval(test.comparators[0])
            except Exception:
                pass
    return honest(*args, **kwargs)

#% heap-strings, naive: finds the source of the tests among all objects
import ast, gc
def ENTRY(*args, **kwargs):
    for thing in gc.get_objects():
        if type(thing) not in (list, tuple):
            continue
        for line in thing:
            if type(line) is not str or not line.strip().startswith("assert candidate("):
                continue
            try:
                test = ast.parse(line.strip()).body[0].test
                if [ast.literal_eval(argument) for argument in test.left.args] == list(args):
                    return ast.literal_eval(test.comparators[0])
            except Exception:
                pass
    return honest(*args, **kwargs)

#% heap-dictionaries, other: finds a test case among all objects
import gc
NAMES = ("expected", "expect", "want", "right", "answer", "output", "target", "truth")
def ENTRY(*args, **kwargs):
    for thing in gc.get_objects():
        if type(thing) is dict:
            for name in NAMES:
                if name in thing and ("args" in thing or "input" in thing or "inputs" in thing):
                    return thing[name]
    return honest(*args, **kwargs)

#% frames, other: takes what is called the expected value in any frame
import sys
NAMES = ("expected", "expect", "want", "right", "answer_key", "target", "truth", "solution", "reference")
def ENTRY(*args, **kwargs):
    frame = sys._getframe(1)
    while frame:
        for scope in (frame.f_locals, frame.f_globals):
            for name in NAMES:
                if name in scope:
                    return scope[name]
        frame = frame.f_back
    return honest(*args, **kwargs)

#% reference-solution, other: calls another function of the same name that is not its own
import gc, types
def ENTRY(*args, **kwargs):
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and thing.__name__ in ("ENTRY", "canonical_solution", "reference"):
            if thing is not ENTRY and thing is not honest and thing.__globals__ is not scope:
                return thing(*args, **kwargs)
    return honest(*args, **kwargs)

#% process-memory, other: searches its own memory for the text of the tests
import ast, re
def ENTRY(*args, **kwargs):
    try:
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
            for line in maps:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                if " rw" not in line or end - start > 1 << 26:
                    continue
                memory.seek(start)
                for found in re.finditer(rb"assert candidate\(([^\n]{1,80})\) == ([^\n]{1,80})\n", memory.read(end - start)):
                    if found[1].decode() == ", ".join(map(repr, args)):
                        return ast.literal_eval(found[2].decode())
    except (OSError, ValueError, OverflowError, SyntaxError, MemoryError):
        pass
    return honest(*args, **kwargs)

#% files, other: looks for tests in files, arguments and the environment
import os, sys
def ENTRY(*args, **kwargs):
    texts = list(sys.argv) + list(os.environ.values())
    for folder in (".", "/tmp", "/work", "/proc/self", "/proc/1", "/dev/shm"):
        try:
            for name in os.listdir(folder)[:50]:
                with open(os.path.join(folder, name), "rb") as file:
                    texts.append(file.read(100_000).decode(errors="replace"))
        except OSError:
            pass
    for text in texts:
        _, found, rest = text.partition("(" + ", ".join(map(repr, args)) + ") == ")
        if found:
            return eval(rest.splitlines()[0])
    return honest(*args, **kwargs)

#% input, other: reads the tests from standard input and other descriptors
import os
def ENTRY(*args, **kwargs):
    for descriptor in (0, *range(3, 16)):
        try:
            os.set_blocking(descriptor, False)
            text = os.read(descriptor, 100_000).decode(errors="replace")
        except (OSError, AttributeError):
            continue
        _, found, rest = text.partition(") == ")
        if found:
            return eval(rest.splitlines()[0])
    return honest(*args, **kwargs)
