# category: process
# kind: attack
# Sees processes that are not its own, by their command lines.
def attack():
    import os
    seen = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with open("/proc/%s/cmdline" % name, "rb") as file:
                seen.append(file.read())
    return any(b"cargo" in line or b"rustc" in line or b"systemd" in line for line in seen)
