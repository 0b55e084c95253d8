# category: resource
# wasm: timeout
# local: timeout
import atexit
def stay():
    while True:
        pass
atexit.register(stay)
print("done")
