# category: resource
# wasm: timeout failed crashed denied
# local: timeout
import threading
threading.Event().wait()
