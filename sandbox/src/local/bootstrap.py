"""The first code in a contained interpreter. Ours; runs before anything of the candidate's.

Reads the start-up data from descriptor 4 (little-endian u32 each, then bytes):

    flags           1: this process is pid 1 of a pid namespace and forks the candidate; 2: install the filter
    count, offsets  where in the filter the candidate's own process id belongs
    length, filter  the inner seccomp filter
    length, driver  the driver's source

Descriptor 5 is the report: the byte 'R' when the driver is about to serve its first request with every layer on, and,
from pid 1, a record 'S' when the candidate has ended. The candidate's copy is closed before candidate code is seen.
"""
import os
import sys


def read_all(fd):
    parts = []
    while True:
        part = os.read(fd, 1 << 20)
        if not part:
            os.close(fd)
            return memoryview(b"".join(parts))
        parts.append(part)


def fields(data):
    def number():
        nonlocal data
        value = int.from_bytes(data[:4], "little")
        data = data[4:]
        return value

    def block():
        nonlocal data
        length = number()
        value, data = data[:length], data[length:]
        return bytes(value)

    flags = number()
    offsets = [number() for _ in range(number())]
    return flags, offsets, block(), block()


def confine(libc, ctypes, filter_bytes, offsets):
    """Puts the inner filter on this process. Any failure ends it, without the report of readiness."""
    PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, SIGKILL = 1, 4, 22, 2, 9
    patched = bytearray(filter_bytes)
    for offset in offsets:
        patched[offset:offset + 4] = os.getpid().to_bytes(4, sys.byteorder)
    steps = ctypes.create_string_buffer(bytes(patched), len(patched))

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    program = Program(len(patched) // 8, ctypes.addressof(steps))
    number = ctypes.c_ulong
    for option, value, more in (
        (PR_SET_PDEATHSIG, number(SIGKILL), number(0)),
        (PR_SET_DUMPABLE, number(0), number(0)),
        (PR_SET_SECCOMP, number(SECCOMP_MODE_FILTER), ctypes.byref(program)),
    ):
        if libc.prctl(option, value, more, number(0), number(0)) != 0:
            os.write(2, b"prctl %d failed: %d\n" % (option, ctypes.get_errno()))
            os._exit(70)


def guard(candidate):
    """What pid 1 does while the candidate runs: nothing but wait, and then say how it ended."""
    for fd in range(4):
        os.close(fd)
    while True:
        pid, status, usage = os.wait4(-1, 0)
        if pid == candidate:
            break
    cpu_us = round((usage.ru_utime + usage.ru_stime) * 1e6)
    record = status.to_bytes(4, "little") + cpu_us.to_bytes(8, "little") + usage.ru_maxrss.to_bytes(8, "little")
    os.write(5, b"S" + record)
    os._exit(0)


def start():
    flags, offsets, filter_bytes, source = fields(read_all(4))
    # The variables that the start needed are none of the candidate's business.
    for name in list(os.environ):
        del os.environ[name]
    sys.path[:] = [path for path in sys.path if path]
    before = set(sys.modules)
    libc = ctypes = None
    if flags & 2:
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(4, ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
            os._exit(70)
    driver = type(sys)("driver")
    sys.modules["driver"] = driver
    exec(compile(source, "<driver>", "exec"), driver.__dict__)
    if flags & 1:
        candidate = os.fork()
        if candidate:
            guard(candidate)
    if flags & 2:
        confine(libc, ctypes, filter_bytes, offsets)
        for name in set(sys.modules) - before:
            if name.startswith(("ctypes", "_ctypes")):
                del sys.modules[name]
    os.write(5, b"R")
    os.close(5)
    return driver.main


try:
    main = start()
except BaseException as error:
    os.write(2, repr(error).encode("utf-8", "replace"))
    os._exit(70)
for name in list(globals()):
    if not name.startswith("__") and name != "main":
        del globals()[name]
main()
