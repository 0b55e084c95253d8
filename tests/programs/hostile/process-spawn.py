# category: process
# kind: attack
def attack():
    import os
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return True
