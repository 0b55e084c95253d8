# category: kernel
# kind: attack
# A filter of its own cannot loosen the filters in force.
def attack():
    import ctypes, os, struct
    libc = ctypes.CDLL(None, use_errno=True)
    allow = struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(allow)
    program = struct.pack("<HxxxxxxQ", 1, ctypes.addressof(buffer))
    libc.prctl(22, 2, ctypes.create_string_buffer(program))
    libc.prctl(38, 0, 0, 0, 0)
    return libc.unshare(0x10000000) == 0 or os.path.exists("/root/.bashrc")
