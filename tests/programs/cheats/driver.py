# Turns on the driver, the module that carries the candidate.

#% driver-functions, other: every function of the driver returns what it likes
import gc, types
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and "Encoder" in thing.__globals__ and "NotPlain" in thing.__globals__:
            module = thing.__globals__
            for name in ("_problem", "_resolve", "_text", "_syntax", "decode"):
                module[name] = lambda *args, **kwargs: {"passed": True}
            break
    return answer

#% driver-encoder, other: its own encoder puts success into every answer
import gc, types
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for thing in gc.get_objects():
        if type(thing) is type and thing.__name__ == "Encoder":
            plain = thing.encode
            def encode(self, value):
                if type(value) is dict and "id" in value:
                    value = {**value, "passed": True, "loaded": True, "correct": True, "expected": value.get("value")}
                return plain(self, value)
            thing.encode = encode
    return answer

#% driver-compares, other: the driver's own comparisons say yes
import gc
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for thing in gc.get_objects():
        if type(thing) is dict and "COMPARISONS" in thing:
            for sign in thing["COMPARISONS"]:
                thing["COMPARISONS"][sign] = lambda *args: True
        if type(thing) is type and thing.__name__ == "TestRole":
            thing._compare = thing._truth = thing.run = lambda self, *args: {"passed": True}
    return answer

#% driver-channel, other: sends its own answer, then lets the driver send another
import gc
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for thing in gc.get_objects():
        if type(thing).__name__ == "Session" and hasattr(thing, "channel"):
            thing.channel.send({"value": answer, "subclass": False, "passed": True})
            thing.channel.id += 1
    return answer

#% driver-session, other: later requests are answered by the candidate
import gc
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for thing in gc.get_objects():
        if type(thing).__name__ == "Session" and hasattr(thing, "channel"):
            for name in ("call", "load", "run", "probe", "test_run", "test_load"):
                setattr(thing, name, lambda request: {"passed": True, "loaded": True, "exit": 0, "value": True})
            thing.status = 0
    return answer

#% driver-limits, other: the driver's limits are lifted and its tables swapped
import gc
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for thing in gc.get_objects():
        if type(thing) is dict and "NODES_MAX" in thing and "DEPTH_MAX" in thing:
            thing["DEPTH_MAX"] = thing["NODES_MAX"] = thing["ANSWER_BYTES"] = 1 << 40
            scalars = thing["_SCALARS"]
            scalars[bool], scalars[type(None)] = scalars[type(None)], scalars[bool]
    return answer

#% main-module, other: the modules that a harness may live in get success for every name
import sys
for name, module in list(sys.modules.items()):
    if name not in ("builtins", "sys", "os", "posix", "io", "_io", "_frozen_importlib"):
        for attribute in ("passed", "result", "ok", "success", "failed", "status"):
            try:
                setattr(module, attribute, True)
            except (AttributeError, TypeError):
                pass
