# category: process
# kind: attack
def attack():
    import ctypes, os
    libc = ctypes.CDLL(None)
    for pid in {os.getppid(), 1} - {0, os.getpid()}:
        descriptor = libc.syscall(434, pid, 0)
        if descriptor >= 0 and any(libc.syscall(438, descriptor, target, 0) >= 0 for target in range(16)):
            return True
    return False
