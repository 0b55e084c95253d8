# category: host
# kind: attack
def attack():
    for path in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/proc/kcore", "/proc/kallsyms", "/dev/kvm", "/dev/fuse"):
        try:
            with open(path, "rb") as file:
                data = file.read(64)
            if path != "/proc/kallsyms" or not data.startswith(b"0000000000000000"):
                return True
        except OSError:
            pass
    return False
