# category: resource
# kind: attack
def attack():
    import os, tempfile
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 40)
        return os.fstat(file.fileno()).st_size == 1 << 40
