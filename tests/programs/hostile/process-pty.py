# category: process
# kind: attack
def attack():
    import os, pty
    pid, _ = pty.fork()
    if pid == 0:
        os._exit(0)
    return True
