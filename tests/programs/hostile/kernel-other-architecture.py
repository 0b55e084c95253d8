# category: kernel
# wasm: passed failed denied
# local: crashed passed failed denied
# kind: attack
# The same calls by the numbers of another architecture (x32) and by the gate of 32-bit programs.
def attack():
    import ctypes, mmap, platform
    if platform.machine() != "x86_64":
        return False
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # push rbx; mov eax, 20 (getpid of i386); int 0x80; pop rbx; ret
    code.write(bytes.fromhex("53b814000000cd805bc3"))
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    thirty_two_bits = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    x32 = ctypes.CDLL(None).syscall(0x40000000 | 39)
    return thirty_two_bits > 0 or x32 > 0
