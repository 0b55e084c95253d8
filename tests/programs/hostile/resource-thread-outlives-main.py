# category: resource
# wasm: timeout failed crashed denied
# local: timeout
# The main thread ends; CPython waits for the other, which is no daemon.
import threading, time
def stay():
    while True:
        time.sleep(0.01)
threading.Thread(target=stay).start()
print("main is done")
