"""The zygote: a warm interpreter that makes contained copies of itself, each for one program. Ours; no candidate's code
runs in it, and it reads nothing that a candidate writes.

Descriptors at the start: 0 an empty file, 1 and 2 a pipe for last words, 3 the host, 4 the start-up data, 5 the landlock
rule set where there is one. The start-up data (little-endian u32 each, then bytes):

    flags             1: namespaces; 2: landlock; 4: seccomp
    numbers           of the system calls clone, close_range and landlock_restrict_self
    count, offsets    where in the filter the candidate's own process id belongs
    length, filter    the seccomp filter
    length, driver    the driver's source
    length, modules   names of the modules to import ahead, separated by blanks

The host sends one packet per copy: u32 version, u32 size of /tmp in MiB, u32 user id (0: keep), and a socket. The copy
is two processes. The *guard* makes the private mounts (with namespaces it is pid 1 of its own), forks the *candidate*
and reports its end. The candidate takes on all layers that no limit changes and waits for its program at that socket:

    host       u32 version, u32 length of a path, the path of the folder to work in (without namespaces), then limits:
               u64 resource, soft and hard limit each; descriptors: stdin, stdout, stderr, the channel, and the landlock
               rule set of that folder
    candidate  'P' with the pidfds of itself and its guard
    candidate  'R': every layer is on, the driver is about to serve
    guard      'S', u32 wait status, u64 CPU time in us, u64 peak memory in KiB
    either     'E', u8 stage, i32 errno: it could not be contained, and has ended

End of file at any socket ends who reads there. On the socket to the host the zygote says 'R' once it is ready.
"""
import _signal
import os
import sys
# Also what `os.wait4` imports when it is first called, which should not be in every copy.
from resource import getrusage

VERSION = 1
HOST, DATA, RULES, CHANNEL = 3, 4, 5, 3
ORDER, MESSAGE_BYTES, DESCRIPTORS_MAX = 12, 1 << 13, 8
MOUNTS, IDENTITY, PRIVILEGES, LANDLOCK, PLACE, LIMITS, SECCOMP, FORK, PROTOCOL = range(32, 41)
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID_NEWNS_NEWIPC = 0x20000000 | 0x00020000 | 0x08000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 1, 4, 22, 38, 2
MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8
SIGKILL, SIGCHLD = 9, 17
SOL_SOCKET, SCM_RIGHTS, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC = 1, 1, 0x4000, 0x40000000


class Failed(Exception):
    """A layer could not be taken on: the stage and the error number."""


def number(data, at, size=4):
    return int.from_bytes(data[at:at + size], "little")


def read_setup():
    parts = []
    while True:
        part = os.read(DATA, 1 << 20)
        if not part:
            break
        parts.append(part)
    os.close(DATA)
    data = b"".join(parts)
    flags, calls = number(data, 0), [number(data, at) for at in (4, 8, 12)]
    count, at = number(data, 16), 20
    offsets = [number(data, at + 4 * index) for index in range(count)]
    at += 4 * count
    blocks = []
    for _ in range(3):
        length = number(data, at)
        blocks.append(data[at + 4:at + 4 + length])
        at += 4 + length
    return flags, calls, offsets, blocks


class Kernel:
    """System calls that Python has no function for. Everything is prepared once, so that copies only call."""

    def __init__(self, ctypes, calls, filter_bytes, offsets):
        # PyDLL and not CDLL: the lock of the interpreter is kept, so that a raw clone leaves it in order.
        libc = ctypes.PyDLL(None, use_errno=True)
        long, pointer = ctypes.c_long, ctypes.c_void_p
        self.errno = ctypes.get_errno
        self._prctl = self._function(libc.prctl, ctypes.c_int, [long] * 5)
        self._capset = self._function(libc.capset, ctypes.c_int, [pointer, pointer])
        self._mount = self._function(libc.mount, ctypes.c_int, [ctypes.c_char_p] * 3 + [long, ctypes.c_char_p])
        self._unshare = self._function(libc.unshare, ctypes.c_int, [ctypes.c_int])
        self._setrlimit = self._function(libc.setrlimit, ctypes.c_int, [ctypes.c_int, ctypes.c_char_p])
        self._syscall = self._function(libc.syscall, long, [long] * 7)
        self._clone, self._close_range, self._landlock = calls
        self.filter = bytearray(filter_bytes)
        self.offsets = offsets
        self._steps = (ctypes.c_char * len(self.filter)).from_buffer(self.filter)
        self._program = ctypes.create_string_buffer(16)
        self._program[0:2] = (len(self.filter) // 8).to_bytes(2, sys.byteorder)
        self._program[8:16] = ctypes.addressof(self._steps).to_bytes(8, sys.byteorder)
        self._program_at = ctypes.addressof(self._program)
        self._caps_header = ctypes.create_string_buffer((0x20080522).to_bytes(4, sys.byteorder), 8)
        self._caps_none = ctypes.create_string_buffer(24)
        self._caps = ctypes.addressof(self._caps_header), ctypes.addressof(self._caps_none)

    @staticmethod
    def _function(function, result, arguments):
        function.restype, function.argtypes = result, arguments
        return function

    def check(self, stage, result):
        if result < 0:
            raise Failed(stage, self.errno())
        return result

    def prctl(self, stage, option, value, more=0):
        self.check(stage, self._prctl(option, value, more, 0, 0))

    def clone(self, flags):
        return self.check(FORK, self._syscall(self._clone, flags | SIGCHLD, 0, 0, 0, 0, 0))

    def mount_tmpfs(self, target, options):
        self.check(MOUNTS, self._mount(b"tmpfs", target, b"tmpfs", MS_NOSUID_NODEV_NOEXEC, options))

    def own_user_namespace(self):
        self.check(IDENTITY, self._unshare(CLONE_NEWUSER))

    def drop_capabilities(self):
        self.check(PRIVILEGES, self._capset(*self._caps))

    def restrict_files(self, rules):
        self.check(LANDLOCK, self._syscall(self._landlock, rules, 0, 0, 0, 0, 0))

    def set_limit(self, resource, limit):
        self.check(LIMITS, self._setrlimit(resource, limit))

    def filter_calls(self):
        own = os.getpid().to_bytes(4, sys.byteorder)
        for offset in self.offsets:
            self.filter[offset:offset + 4] = own
        self.prctl(SECCOMP, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self._program_at)

    def close_from(self, first):
        self.check(PLACE, self._syscall(self._close_range, first, 0xFFFFFFFF, 0, 0, 0, 0))


def receive(socket):
    """One packet and the descriptors in it."""
    data, extra, _, _ = socket.recvmsg(MESSAGE_BYTES, 256, MSG_CMSG_CLOEXEC)
    descriptors = []
    for level, kind, body in extra:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            descriptors += [number(body, at) for at in range(0, len(body) - len(body) % 4, 4)]
    return data, descriptors


def send(socket, data, descriptors=()):
    body = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in descriptors)
    socket.sendmsg([data], [(SOL_SOCKET, SCM_RIGHTS, body)] if body else [], MSG_NOSIGNAL)


class Zygote:
    def __init__(self, flags, kernel, socket, host):
        self.namespaces, self.landlock, self.seccomp = flags & 1, flags & 2, flags & 4
        self.kernel = kernel
        self.make_socket = socket
        self.host = host

    def serve(self):
        """Makes copies as they are ordered; returns in the copies only, as a contained candidate."""
        # Guards are reaped by the kernel: nothing of them is of interest.
        _signal.signal(SIGCHLD, _signal.SIG_IGN)
        flags = CLONE_NEWPID_NEWNS_NEWIPC if self.namespaces else 0
        send(self.host, b"R")
        while True:
            data, descriptors = receive(self.host)
            if not data:
                os._exit(0)
            if len(data) != ORDER or number(data, 0) != VERSION or len(descriptors) != 1:
                os._exit(71)
            control = self.make_socket(fileno=descriptors[0])
            own = os.getpid()
            try:
                copy = self.kernel.clone(flags)
            except Failed as failed:
                report(control, failed)
                copy = -1
            if copy == 0:
                self.copy(control, own, number(data, 4), number(data, 8))
                return
            control.close()

    def copy(self, control, parent, temp_mib, user):
        """What a copy does; whatever goes wrong ends it."""
        try:
            self.host.close()
            self.guard(control, parent, temp_mib, user)
        except Failed as failed:
            report(control, failed)
            os._exit(70)
        except OSError as error:
            report(control, Failed(PROTOCOL, error.errno or 0))
            os._exit(70)
        except BaseException:
            os._exit(70)

    def guard(self, control, parent, temp_mib, user):
        """Forks the candidate and waits for its end; returns in the candidate only."""
        _signal.signal(SIGCHLD, _signal.SIG_DFL)
        copy_of_input = -1
        if self.namespaces:
            self.kernel.mount_tmpfs(b"/private/tmp", b"mode=1777,size=%dm,nr_inodes=4096" % temp_mib)
            self.kernel.mount_tmpfs(b"/dev/input", b"mode=755,nr_inodes=2")
            copy_of_input = os.open("/dev/input/stdin", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o444)
            os.chdir("/private/tmp")
        else:
            self.die_with(parent)
        own = os.getpid()
        try:
            candidate = os.fork()
        except OSError as error:
            raise Failed(FORK, error.errno)
        if candidate == 0:
            self.candidate(control, own, user, copy_of_input)
            return
        if copy_of_input >= 0:
            os.close(copy_of_input)
        # Its memory is its own from here on, which the end need not wait for.
        record(0, getrusage(0))
        # Seen and not yet reaped, its process id and group are still its own.
        os.waitid(os.P_PID, candidate, os.WEXITED | os.WNOWAIT)
        if not self.namespaces:
            try:
                os.killpg(candidate, SIGKILL)
            except OSError:
                pass
        _, status, usage = os.wait4(candidate, 0)
        try:
            os.write(control.fileno(), record(status, usage))
        except OSError:
            pass
        # With namespaces this ends whatever else is left in them.
        os._exit(0)

    def die_with(self, parent):
        self.kernel.prctl(PRIVILEGES, PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:
            os._exit(0)

    def candidate(self, control, guard, user, copy_of_input):
        """Takes on every layer, the filter last. Nothing of the program is known until the packet is received."""
        kernel = self.kernel
        os.setsid()
        pidfds = [os.pidfd_open(os.getpid()), os.pidfd_open(guard)]
        self.drop_privileges(user)
        # After the identity, whose change would clear these.
        self.die_with(guard)
        kernel.prctl(PRIVILEGES, PR_SET_DUMPABLE, 0)
        if self.landlock and self.namespaces:
            kernel.restrict_files(RULES)
        data, descriptors = receive(control)
        if not data:
            os._exit(0)
        length = number(data, 4)
        limits = 8 + length
        rules = self.landlock and not self.namespaces
        if number(data, 0) != VERSION or len(descriptors) != (5 if rules else 4) or (len(data) - limits) % 24:
            raise Failed(PROTOCOL, 0)
        # Before the limits: descriptors on their way count against that of open files, for all programs of a user.
        send(control, b"P", pidfds)
        if length:
            os.chdir(data[8:limits])
        if rules:
            kernel.restrict_files(descriptors[4])
        self.place(descriptors, copy_of_input)
        for at in range(limits, len(data), 24):
            kernel.set_limit(number(data, at, 8), data[at + 8:at + 24])
        if self.seccomp:
            kernel.filter_calls()
        send(control, b"R")
        control.detach()
        kernel.close_from(CHANNEL + 1)

    def drop_privileges(self, user):
        try:
            if user:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            elif self.namespaces:
                # Counts its own processes, and maps nobody.
                self.kernel.own_user_namespace()
        except OSError as error:
            raise Failed(IDENTITY, error.errno)
        self.kernel.drop_capabilities()
        self.kernel.prctl(PRIVILEGES, PR_SET_NO_NEW_PRIVS, 1)

    @staticmethod
    def place(descriptors, copy_of_input):
        # The usual way from /dev/stdin to the input leads through /proc; with namespaces it leads to this copy.
        if copy_of_input >= 0:
            at = 0
            while True:
                count = os.sendfile(copy_of_input, descriptors[0], at, 1 << 30)
                if count == 0:
                    break
                at += count
        for to, descriptor in enumerate(descriptors[:4]):
            os.dup2(descriptor, to)


def record(status, usage):
    cpu_us = round((usage.ru_utime + usage.ru_stime) * 1e6)
    numbers = cpu_us.to_bytes(8, "little") + usage.ru_maxrss.to_bytes(8, "little")
    return b"S" + status.to_bytes(4, "little") + numbers


def report(control, failed):
    stage, errno = failed.args
    try:
        send(control, b"E" + stage.to_bytes(1, "little") + errno.to_bytes(4, "little"))
    except OSError:
        pass


def start():
    """Prepares everything; returns the driver in a contained candidate."""
    flags, calls, offsets, (filter_bytes, source, modules) = read_setup()
    # The variables that the start needed are none of the candidates' business.
    for name in list(os.environ):
        del os.environ[name]
    sys.path[:] = [path for path in sys.path if path]
    import ctypes
    from _socket import socket

    # Away from where the channel will be; something stays there, so that nothing else comes to this number.
    host = socket(fileno=os.dup(HOST))
    os.dup2(0, CHANNEL)
    kernel = Kernel(ctypes, calls, filter_bytes, offsets)
    kernel.prctl(PRIVILEGES, PR_SET_DUMPABLE, 0)
    hidden = [name for name in sys.modules if name.startswith(("ctypes", "_ctypes"))]
    driver = type(sys)("driver")
    sys.modules["driver"] = driver
    exec(compile_aside(source, "<driver>"), driver.__dict__)
    # What modules do after a fork is for nothing here (`random` seeds itself, and the driver does it again).
    register, os.register_at_fork = os.register_at_fork, lambda **_: None
    for name in modules.decode().split():
        __import__(name)
    os.register_at_fork = register
    for name in hidden:
        sys.modules.pop(name, None)
    import gc

    # The first compilation makes what all later ones use.
    compile("def f(n): return [n]", "<first>", "exec")
    driver.prepare()
    zygote = Zygote(flags, kernel, socket, host)
    # Never freed: in a copy that would only touch memory.
    zygote.self = zygote
    gc.collect()
    gc.freeze()
    zygote.serve()
    return driver.main


try:
    main = start()
except BaseException as error:
    os.write(2, repr(error).encode("utf-8", "replace"))
    os._exit(70)
main()
