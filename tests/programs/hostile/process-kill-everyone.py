# category: process
# kind: attack
def attack():
    import os, signal
    reached = False
    for pid in (-1, 0, 1, os.getppid()):
        if pid in (0, os.getpid()):
            continue
        try:
            os.kill(pid, 0)
            reached = pid > 1
        except OSError:
            pass
    return reached
