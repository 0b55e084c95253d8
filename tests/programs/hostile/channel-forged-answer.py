# category: channel
# wasm: failed
# local: failed
# Says to the host that all went well, and fails.
import os
body = b"d\2\0\0\0s\2\0\0\0idi\1\0\0\0\0\0\0\0s\4\0\0\0exiti\0\0\0\0\0\0\0\0"
os.write(3, len(body).to_bytes(4, "little") + body)
raise ValueError("failed after all")
