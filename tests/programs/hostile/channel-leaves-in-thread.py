# category: channel
# wasm: failed passed denied crashed
# local: passed
# prints: before
import os, sys, threading, time
print("before", flush=True)
threading.Thread(target=os._exit, args=(0,)).start()
time.sleep(30)
print("after", flush=True)
