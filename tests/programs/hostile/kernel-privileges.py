# category: kernel
# kind: attack
def attack():
    import ctypes, os
    gained = []
    for name, gain in (("setuid", lambda: os.setuid(0)), ("setgroups", lambda: os.setgroups([0])), ("chroot", lambda: os.chroot("/")), ("setns", lambda: os.setns(0))):
        try:
            before = os.getuid()
            gain()
            if name != "setuid" or before != 0:
                gained.append(name)
        except (OSError, AttributeError):
            pass
    try:
        with open("/proc/self/status") as status:
            lines = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        if int(lines["CapEff"], 16) or lines["NoNewPrivs"].strip() != "1" or lines["Seccomp"].strip() != "2":
            gained.append("capabilities")
    except OSError:
        pass
    print(gained)
    return bool(gained)
