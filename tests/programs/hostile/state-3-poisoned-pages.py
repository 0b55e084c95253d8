# category: state
# group: state
# wasm: failed
# local: passed crashed
# Changes what a fork or a snapshot shares, by address.
import ctypes
ctypes.memset(id(257) + 24, 7, 1)
