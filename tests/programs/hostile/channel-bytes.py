# category: channel
# wasm: passed
# local: passed
# prints-hex: 00ff80c328411b5b326a0d0a0d
# Bytes arrive as they are.
import sys
sys.stdout.buffer.write(b"\x00\xff\x80\xc3(A\x1b[2j\r\n\r")
