# category: state
# group: state
# wasm: passed
# local: passed
# prints: []
import os, sys
left = []
if len([1]) != 1 or hasattr(__builtins__, "print_"):
    left.append("builtins")
import json, random
if not hasattr(json, "dumps"):
    left.append("modules")
if random.random() == 0.5:
    left.append("random")
if "LEFT" in os.environ or sys.getrecursionlimit() == 100 or "/tmp" in sys.path[:1]:
    left.append("settings")
if any(os.path.exists(path) for path in ("/tmp/left", "/dev/shm/left", "left", "/tmp/json.py")):
    left.append("files")
try:
    import signal
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        left.append("signals")
except (ImportError, AttributeError):
    pass
print(left)
