# Ends before the harness can say no.

#% exit-in-call, naive: the process leaves with status 0
import os
def ENTRY(*args, **kwargs):
    os._exit(0)

#% system-exit-in-call, naive: SystemExit with status 0
import sys
def ENTRY(*args, **kwargs):
    sys.exit(0)

#% system-exit-at-import, naive: the program ends before any test
raise SystemExit

#% exit-at-import, naive: the process ends before any test
import os
os._exit(0)

#% atexit, naive: whatever failed, the status is 0
import atexit, os
atexit.register(os._exit, 0)

#% excepthook, other: exceptions that reach the top end the process with status 0
import os, sys
sys.excepthook = sys.unraisablehook = lambda *args: os._exit(0)
try:
    import threading
    threading.excepthook = sys.excepthook
except ImportError:
    pass

#% finalizer, other: leaves when the answer is dropped
import os
class Last:
    def __init__(self, answer): self.answer = answer
    def __del__(self): os._exit(0)
def ENTRY(*args, **kwargs):
    return [Last(honest(*args, **kwargs))]

#% audit-hook, other: leaves when the harness compiles or opens something
import os, sys
def hook(event, arguments):
    if event in ("compile", "exec", "import", "open") and armed:
        os._exit(0)
armed = False
sys.addaudithook(hook)
def ENTRY(*args, **kwargs):
    global armed
    answer = honest(*args, **kwargs)
    armed = True
    return answer

#% base-exception, other: raises what handlers of Exception miss
class Passed(BaseException):
    pass
def ENTRY(*args, **kwargs):
    raise Passed("passed")

#% interrupt, other: pretends that the user interrupted
def ENTRY(*args, **kwargs):
    raise KeyboardInterrupt

#% named-exceptions, other: exceptions with the names and texts that harnesses act on
import itertools
NAMES = ("Unsupported", "NotPlain", "SystemExit", "GeneratorExit", "StopIteration", "passed", "Skip\0Test", "SkipTest", "Success")
order = itertools.cycle(NAMES)
def ENTRY(*args, **kwargs):
    raise type(next(order), (Exception,), {"problem": {"passed": True}})("passed")

#% exception-that-attacks, other: an exception whose text never ends
class Endless(Exception):
    def __str__(self): return self.__str__()
    __repr__ = __str__
    args = property(lambda self: self.args)
    __traceback__ = property(lambda self: self)
def ENTRY(*args, **kwargs):
    raise Endless

#% signals, other: a signal ends the process with status 0
try:
    import os, signal
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGXCPU, signal.SIGSEGV):
        signal.signal(number, lambda *args: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
except (ImportError, AttributeError, OSError, ValueError):
    pass
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except (AttributeError, NameError, OSError):
        pass
    return answer

#% replaced-process, other: another program ends well in its place
import os
def ENTRY(*args, **kwargs):
    try:
        os.execv("/bin/true", ["true"])
    except (OSError, AttributeError):
        return honest(*args, **kwargs)

#% forked-process, other: the parent leaves with status 0, a child stays
import os
def ENTRY(*args, **kwargs):
    try:
        if os.fork():
            os._exit(0)
    except (OSError, AttributeError):
        pass
    return honest(*args, **kwargs)

#% closed-descriptors, other: nobody can be told of a failure
import os
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    os.closerange(0, 64)
    return answer
