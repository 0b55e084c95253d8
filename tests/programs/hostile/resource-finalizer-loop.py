# category: resource
# wasm: timeout
# local: timeout
class Stays:
    def __del__(self):
        while True:
            pass
Stays()
