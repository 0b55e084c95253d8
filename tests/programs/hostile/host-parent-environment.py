# category: host
# kind: attack
def attack():
    import os
    for pid in (1, os.getppid()):
        try:
            with open("/proc/%d/environ" % pid, "rb") as file:
                if b"CARGO" in file.read():
                    return True
        except OSError:
            pass
    return False
