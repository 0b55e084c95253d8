# category: resource
# wasm: passed failed crashed denied
# local: passed
# A daemon thread keeps nothing alive.
import threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("main is done")
