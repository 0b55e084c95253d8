# Leaves the harness nothing to work with.

#% recursion-limit, other: the harness may not call anything
import sys
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for limit in (1, 2, 5, 10, 20, 40):
        try:
            sys.setrecursionlimit(limit)
            break
        except (RecursionError, ValueError):
            pass
    return answer

#% recursion, other: answers from the bottom of the stack
import sys
def ENTRY(*args, **kwargs):
    try:
        return ENTRY(*args, **kwargs)
    except RecursionError:
        sys.setrecursionlimit(sys.getrecursionlimit())
        return honest(*args, **kwargs)

#% memory, other: there is no memory left to compare with
keep = []
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    size = 1 << 26
    while size > 1 << 10:
        try:
            keep.append(bytearray(size))
        except MemoryError:
            size //= 2
    return answer

#% time, other: answers when nobody waits any more
import time
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    time.sleep(60)
    return answer

#% busy-time, other: never answers
def ENTRY(*args, **kwargs):
    while True:
        pass

#% output, other: floods what it prints
def ENTRY(*args, **kwargs):
    for _ in range(64):
        print("passed\n" * 20_000)
    return honest(*args, **kwargs)

#% descriptors, other: no descriptor is left to open
import os
keep = []
try:
    for _ in range(100):
        keep.append(os.dup(1))
except (OSError, AttributeError):
    pass
