# category: benign
# wasm: passed
# local: passed
# prints: x False
import os
print(os.environ.get("NO_SUCH_NAME", "x"), "ONLINE_JUDGE" in os.environ)
