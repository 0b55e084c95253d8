# category: state
# group: state
# wasm: passed
# local: passed
# Spoils all that might be left over for the next program.
import builtins, os, random, sys
builtins.print_ = print
sys.modules["json"] = sys
sys.path.insert(0, "/tmp")
random.seed(0)
random.random = lambda: 0.5
os.environ["LEFT"] = "1"
for act in (lambda: os.umask(0o777), lambda: os.chdir("/tmp"), lambda: os.nice(5), lambda: sys.setrecursionlimit(100)):
    try:
        act()
    except (OSError, AttributeError):
        pass
for path in ("/tmp/left", "/dev/shm/left", "left", "/tmp/json.py"):
    try:
        open(path, "w").close()
    except OSError:
        pass
try:
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
except (ImportError, AttributeError, OSError, ValueError):
    pass
builtins.len = lambda thing: 42
