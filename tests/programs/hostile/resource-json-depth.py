# category: resource
# wasm: failed crashed memory
# local: failed crashed memory
import json
json.loads("[" * 10 ** 6 + "]" * 10 ** 6)
