# category: process
# kind: attack
# survivor: ca-clone
# By number, behind libc's back: fork, vfork's relative clone, clone3.
def attack():
    import ctypes, os, platform, time
    if platform.machine() != "x86_64":
        return False
    libc = ctypes.CDLL(None)
    for number, arguments in ((57, ()), (56, (17, 0, 0, 0, 0)), (435, (bytes(88), 88))):
        made = libc.syscall(number, *arguments)
        if made == 0:
            time.sleep(5)
            os._exit(0)
        if made > 0:
            return True
    return False
