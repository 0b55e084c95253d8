"""The first code of a zygote: runs `zygote.py`, which it is given as its last argument, in a module of its own.

Compiling takes memory that an interpreter does not give back, and every copy pays for all memory that its zygote has. So
a process of its own does it.
"""
import marshal
import os
import sys


def compile_aside(source, name):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open(writer, "wb") as pipe:
                pipe.write(marshal.dumps(compile(source, name, "exec", dont_inherit=True)))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        code = pipe.read()
    os.waitpid(child, 0)
    return marshal.loads(code)


space = {"__name__": "zygote", "compile_aside": compile_aside}
exec(compile_aside(sys.argv.pop(), "<zygote>"), space)
