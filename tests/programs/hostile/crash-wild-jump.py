# category: crash
# wasm: failed
# local: crashed
import ctypes
ctypes.CFUNCTYPE(None)(8)()
