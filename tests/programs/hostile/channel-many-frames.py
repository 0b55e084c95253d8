# category: channel
# wasm: failed timeout crashed passed
# local: failed timeout crashed passed
# prints: done
# More answers than questions; what the program is worth does not change by it, but it may not be told from one that hangs.
import os
for _ in range(1_000):
    os.write(3, b"\1\0\0\0N")
print("done")
