# category: process
# kind: attack
def attack():
    import ctypes, os
    libc = ctypes.CDLL(None)
    # PTRACE_ATTACH and PTRACE_SEIZE of the parent and of init.
    return any(libc.ptrace(request, pid, 0, 0) == 0 for pid in (os.getppid(), 1) for request in (16, 0x4206))
