# Speaks for the harness on whatever leads out.

#% success-markers, other: prints what success looks like
import sys
MARKERS = ("passed", "OK", "PASS", "All tests passed", "1 passed in 0.01s", "Ran 7 tests in 0.001s\n\nOK", '{"passed": true}',
           "\x1b[2J\x1b[Hpassed", "\rpassed\x1b[K", "##[set-output passed]true", "ok 1 - test", "Exit code: 0")
def ENTRY(*args, **kwargs):
    for marker in MARKERS:
        print(marker)
        print(marker, file=sys.stderr)
    return honest(*args, **kwargs)

#% frames-on-channel, other: well-formed answers that say all that an answer can say
import os
def text(value): return b"s" + len(value).to_bytes(4, "little") + value
def field(name, value): return text(name) + value
def frame(number):
    yes = b"T"
    fields = [field(b"id", b"i" + number.to_bytes(8, "little")), field(b"passed", yes), field(b"loaded", yes), field(b"ok", yes)]
    body = b"d" + len(fields).to_bytes(4, "little") + b"".join(fields)
    return len(body).to_bytes(4, "little") + body
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    for number in range(1, 20):
        os.write(3, frame(number))
    return answer

#% frames-at-import, other: answers before it was asked
import os
for number in range(1, 20):
    head = b"d\2\0\0\0s\2\0\0\0idi" + number.to_bytes(8, "little")
    body = head + b"s\6\0\0\0passedT"
    os.write(3, len(body).to_bytes(4, "little") + body)

#% half-a-frame, other: announces more than it sends
import os
def ENTRY(*args, **kwargs):
    os.write(3, (1 << 20).to_bytes(4, "little") + b"d")
    return honest(*args, **kwargs)

#% huge-frame, other: announces four gigabytes
import os
def ENTRY(*args, **kwargs):
    os.write(3, b"\xff\xff\xff\xff" + b"passed" * 100)
    return honest(*args, **kwargs)

#% every-descriptor, other: success on every descriptor that can be written
import os
def ENTRY(*args, **kwargs):
    for descriptor in range(64):
        try:
            os.write(descriptor, b'{"passed": true}\n')
        except OSError:
            pass
    return honest(*args, **kwargs)

#% swapped-descriptors, other: the channel leads to stdout and stdout to the channel
import os
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    try:
        spare = os.dup(1)
        os.dup2(3, 1)
        os.dup2(spare, 3)
    except (OSError, AttributeError):
        pass
    return answer

#% swallowed-request, other: takes the next request for itself
import os
def ENTRY(*args, **kwargs):
    try:
        os.set_blocking(3, False)
        os.read(3, 1 << 16)
    except (OSError, AttributeError):
        pass
    return honest(*args, **kwargs)

#% late-thread, other: a thread answers when the main thread is asked again
try:
    import os, threading, time
    def speak():
        for number in range(1, 20):
            time.sleep(0.01)
            body = b"d\2\0\0\0s\2\0\0\0idi" + number.to_bytes(8, "little") + b"s\6\0\0\0passedT"
            os.write(3, len(body).to_bytes(4, "little") + body)
    threading.Thread(target=speak, daemon=True).start()
except (ImportError, RuntimeError):
    pass

#% leaving-thread, other: a thread ends the process with status 0 while the test is under way
try:
    import os, threading, time
    threading.Thread(target=lambda: (time.sleep(0.02), os._exit(0)), daemon=True).start()
except (ImportError, RuntimeError):
    pass
def ENTRY(*args, **kwargs):
    answer = honest(*args, **kwargs)
    time.sleep(0.05)
    return answer
