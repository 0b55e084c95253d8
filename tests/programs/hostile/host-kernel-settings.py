# category: host
# kind: attack
# Each write puts back what is there.
def attack():
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/sys/kernel/mm/ksm/run", "/proc/self/oom_score_adj", "/proc/self/setgroups"):
        try:
            with open(path, "r+b", buffering=0) as file:
                value = file.read(4096)
                file.seek(0)
                file.write(value)
            if not path.startswith("/proc/self"):
                return True
        except OSError:
            pass
    return False
