# category: benign
# wasm: passed
# local: passed
# prints: 0\n1\n2
import os, sys
from io import BytesIO
buffer = BytesIO()
for n in range(3):
    buffer.write(b"%d\n" % n)
os.write(sys.stdout.fileno(), buffer.getvalue())
