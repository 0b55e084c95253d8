# category: host
# kind: attack
def attack():
    import os, stat, tempfile
    path = os.path.join(tempfile.mkdtemp(), "device")
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(254, 0))
    with open(path, "rb") as device:
        return bool(device.read(1))
