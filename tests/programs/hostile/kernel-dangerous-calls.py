# category: kernel
# kind: attack
# By number, with arguments that do no harm where they get through.
def attack():
    import ctypes, platform
    if platform.machine() != "x86_64":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    zeros = ctypes.create_string_buffer(256)
    calls = {
        "shmget": (29, 0, 4096, 0o1600), "semget": (64, 0, 1, 0o1600), "msgget": (68, 0, 0o1600), "ptrace": (101, 0, 0, 0, 0),
        "personality": (135, 0x0040000), "mount": (165, 0, 0, 0, 0, 0), "umount2": (166, b"/none", 0), "swapon": (167, b"/none", 0),
        "reboot, only to switch off ctrl-alt-del": (169, 0xFEE1DEAD, 0x28121969, 0), "iopl": (172, 0), "ioperm": (173, 0, 1, 0),
        "init_module": (175, zeros, 0, b""), "mq_open": (240, b"q", 0o102, 0o600, 0), "kexec_load": (246, 0, 0, 0, 0),
        "keyctl": (250, 0, -3, 0), "unshare": (272, 0x10000000), "fanotify_init": (300, 0, 0), "name_to_handle_at": (303, -100, b"/", zeros, zeros, 0),
        "setns": (308, 0, 0), "process_vm_writev": (311, 1, zeros, 1, zeros, 1, 0), "kcmp": (312, 1, 1, 0, 0, 0), "memfd_create": (319, b"x", 0),
        "open_tree": (428, -100, b"/", 0), "fsopen": (430, b"tmpfs", 0), "pidfd_open": (434, 1, 0), "landlock on others": (446, -1, 0),
    }
    reached = []
    for name, (number, *arguments) in calls.items():
        ctypes.set_errno(0)
        if libc.syscall(number, *arguments) >= 0 or ctypes.get_errno() not in (1, 13, 22, 38, 9):
            reached.append((name, ctypes.get_errno()))
    print(reached)
    return bool(reached)
