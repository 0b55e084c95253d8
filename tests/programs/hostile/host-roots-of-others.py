# category: host
# kind: attack
# Ways around a changed root.
def attack():
    import os
    for root in ("/proc/1/root", "/proc/%d/root" % os.getppid(), "/proc/self/root/..", "/proc/self/cwd/../../../..", "/proc/self/fd/.."):
        for path in ("/root", "/home", "/var/log", "/boot"):
            try:
                if os.listdir(root + path):
                    return True
            except OSError:
                pass
    return False
