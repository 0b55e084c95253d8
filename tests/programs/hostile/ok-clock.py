# category: benign
# wasm: passed
# local: passed
# prints: True True
import datetime, time
print(time.monotonic() <= time.monotonic(), datetime.datetime.now().year >= 2000)
