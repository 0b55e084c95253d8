# category: benign
# wasm: passed
# local: passed
# prints: 16 16 32
import os, secrets, uuid
print(len(os.urandom(16)), len(secrets.token_bytes(16)), len(uuid.uuid4().hex))
