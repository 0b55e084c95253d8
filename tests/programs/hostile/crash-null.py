# category: crash
# wasm: failed
# local: crashed
import ctypes
ctypes.string_at(0)
