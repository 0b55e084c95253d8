# category: host
# kind: attack
def attack():
    import os, tempfile
    folder = tempfile.mkdtemp()
    for name, make in (("s", os.symlink), ("h", os.link)):
        for target in ("/etc/shadow", "/proc/1/environ", "/root"):
            path = os.path.join(folder, name)
            try:
                make(target, path)
                if os.path.isdir(path):
                    if os.listdir(path):
                        return True
                elif open(path, "rb").read(1):
                    return True
            except OSError:
                pass
            try:
                os.unlink(path)
            except OSError:
                pass
    return False
