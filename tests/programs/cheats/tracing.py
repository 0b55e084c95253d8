# Watches or rewrites what runs after it.

#% trace-jump, naive: a trace function leaves the test before it fails
import sys
def tracer(frame, event, argument):
    if frame.f_code.co_name != "check":
        return tracer if event == "call" else None
    def leave(frame, event, argument):
        if event == "line":
            last = max(line for _, _, line in frame.f_code.co_lines() if line)
            try:
                frame.f_lineno = last
            except ValueError:
                pass
            raise SystemExit(0)
        return leave
    return leave
sys.settrace(tracer)

#% trace-locals, other: a trace function sets local names to success
import sys
def tracer(frame, event, argument):
    for name in ("ok", "passed", "result", "expected", "verdict", "holds", "answer", "failed", "claim"):
        if name in frame.f_locals and frame.f_globals is not globals() and frame.f_globals is not scope:
            try:
                frame.f_locals[name] = True
            except Exception:
                pass
    return tracer
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    sys.settrace(tracer)
    frame = sys._getframe(1)
    while frame:
        frame.f_trace = tracer
        frame = frame.f_back
    return answer

#% profile, other: a profile function leaves when the harness goes on
import os, sys
def profiler(frame, event, argument):
    if frame.f_globals is not globals() and frame.f_globals is not scope and event == "call":
        os._exit(0)
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    sys.setprofile(profiler)
    return answer

#% monitoring, other: the interpreter's monitoring leaves when the harness goes on
import os, sys
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    if hasattr(sys, "monitoring"):
        try:
            sys.monitoring.use_tool_id(3, "cheat")
            sys.monitoring.register_callback(3, sys.monitoring.events.PY_START, lambda *args: os._exit(0))
            sys.monitoring.set_events(3, sys.monitoring.events.PY_START)
        except ValueError:
            pass
    return answer

#% collector, other: the garbage collector's callbacks run in the middle of the harness
import gc, os
def callback(phase, info):
    os.write(1, b"passed\n")
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    gc.callbacks.append(callback)
    gc.set_threshold(1)
    return answer

#% memory-by-ctypes, other: makes two different small numbers the same
try:
    import ctypes
    ctypes.memmove(id(False), id(True), 24)
except Exception:
    pass
